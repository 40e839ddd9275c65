import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from './sha256.ts';

test('the hash is SHA-256 for every text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'));
    }),
  );
});

test.each([0, 1, 54, 55, 56, 63, 64, 65, 119, 120])(
  'a text of %i bytes fills its blocks',
  (size) => {
    const text = 'x'.repeat(size);
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'));
  },
);
