import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './near.ts';

const keys = ['packages', 'ports', 'paths', 'provision', 'services', 'shares', 'run', 'vm'];

describe('nearest', () => {
  it.each([
    ['pacakges', 'packages'],
    ['package', 'packages'],
    ['Ports', 'ports'],
    ['prots', 'ports'],
    ['share', 'shares'],
    ['vn', 'vm'],
  ])('takes %j for %j', (word, meant) => {
    expect(nearest(word, keys)).toBe(meant);
  });

  it.each([['kubernetes'], ['ram_mb'], [''], ['v'], ['x'.repeat(100_000)]])(
    'suggests nothing for a word that is far from all',
    (word) => {
      expect(nearest(word, keys)).toBeUndefined();
    },
  );
});

describe('editDistance', () => {
  it.each([
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('between %j and %j is %d', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
  });

  it('is symmetric, and 0 only for equal words', () => {
    const word = fc.stringMatching(/^[abc]{0,8}$/);
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
