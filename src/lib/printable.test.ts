import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, quoted, withoutControls } from './printable.ts';

describe('printable', () => {
  it.each([
    ['plain text', 'plain text'],
    ['häuser 日本', 'häuser 日本'],
    ['\u001b[2J', '\\u001b[2J'],
    ['a\nb\tc', 'a\\nb\\tc'],
    ['\u202etxt', '\\u202etxt'],
    ['\u009b1m', '\\u009b1m'],
    ['\ud800', '\\ud800'],
  ])('writes %j as %j', (text, safe) => {
    expect(printable(text)).toBe(safe);
  });

  it('never lets a control character or a line break through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('cuts what is too long', () => {
    expect(printable('x'.repeat(1000), 10)).toBe('xxxxxxx...');
    expect(quoted('x'.repeat(11), 10)).toBe('"xxxxxxx..."');
    expect(printable(`xxxxxx${'\u{10348}'.repeat(5)}`, 10)).toBe('xxxxxx...');
  });
});

it('lines for a terminal keep colours, tabs and their ends, and nothing else that it would obey', () => {
  const said = `\u001b[1;31mred\u001b[0m\ta\nb \u001b[2J\u001b]0;title\u0007 \r\u009b1A\u202e x`;
  expect(withoutControls(said)).toBe(
    '\u001b[1;31mred\u001b[0m\ta\nb \\u001b[2J\\u001b]0;title\\u0007 \\u000d\\u009b1A\\u202e x',
  );
});
