import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineDiff } from './line-diff.ts';

it('shows what differs with three lines around it, as diff -u does', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n';
  const after = 'a\nb\nc\nd\nE\nf\ng\nh\ni\nj\nk\n';
  expect(lineDiff(before, after)).toEqual([
    '@@ -2,9 +2,10 @@',
    ...[' b', ' c', ' d', '-e', '+E', ' f', ' g', ' h', ' i', ' j', '+k'],
  ]);
  expect(lineDiff(before, before)).toEqual([]);
  expect(lineDiff('', 'a\n')).toEqual(['@@ -1,0 +1,1 @@', '+a']);
});

it('is, applied to one text, the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const end = (lines: string[]) => lines.map((line) => `${line}\n`).join('');
      const lines = lineDiff(end(before), end(after), 100).slice(1);
      const side = (other: string) =>
        lines.filter((line) => !line.startsWith(other)).map((line) => line.slice(1));
      if (lines.length === 0) expect(before).toEqual(after);
      else expect([side('+'), side('-')]).toEqual([before, after]);
    }),
  );
});

it('gives up on texts that have nothing in common and are very long', () => {
  const lines = (mark: string) => Array.from({ length: 5000 }, (_, n) => `${mark}${n}\n`).join('');
  expect(lineDiff(lines('a'), lines('b'))).toHaveLength(10_001);
});
