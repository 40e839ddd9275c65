import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drivers } from './registry.ts';

test.each(Object.keys(drivers))('%s runs the contract of every driver', (name) => {
  const suite = new URL(`../../test/integration/${name}-driver.test.ts`, import.meta.url);
  expect(readFileSync(suite, 'utf8')).toMatch(new RegExp(`^driverContract\\('${name}',`, 'm'));
});
