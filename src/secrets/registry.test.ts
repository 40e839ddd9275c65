import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { secretProviders } from './registry.ts';

test.each(secretProviders.map(({ name }) => name))(
  '%s runs the contract of every provider',
  (name) => {
    const suite = new URL(`../../test/unit/secrets-${name}.test.ts`, import.meta.url);
    expect(readFileSync(suite, 'utf8')).toMatch(new RegExp(`^secretContract\\('${name}',`, 'm'));
  },
);

test('no two providers have a name, and none is called auto', () => {
  const names = ['auto', ...secretProviders.map(({ name }) => name)];
  expect(new Set(names).size).toBe(names.length);
});
