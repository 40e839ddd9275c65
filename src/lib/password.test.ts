import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestPassword, passwordAlphabet, passwordProblem, randomPassword } from './password.ts';

describe('randomPassword', () => {
  const many = Array.from({ length: 4000 }, randomPassword);

  it('is 16 letters that nobody takes for another', () => {
    for (const password of many) expect(password).toMatch(/^[a-zA-Z2-9]{16}$/);
    for (const letter of '0Oo1Iil') expect(passwordAlphabet).not.toContain(letter);
    expect(new Set(passwordAlphabet).size).toBe(passwordAlphabet.length);
  });

  it('is never the same twice', () => {
    expect(new Set(many).size).toBe(many.length);
  });

  it('favours no letter', () => {
    const counts = new Map([...passwordAlphabet].map((letter) => [letter, 0]));
    for (const letter of many.join('')) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    const expected = (many.length * 16) / passwordAlphabet.length;
    const chi = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // Chi-squared of 54 degrees of freedom: above 130 once in 10^7 runs. `byte % 55` would give some 2000.
    expect(counts.size).toBe(55);
    expect(chi).toBeLessThan(130);
  });
});

describe('passwordProblem', () => {
  it.each([
    'x',
    'with: a colon',
    'it\'s "quoted" $x `y` \\',
    'é€𝄞',
    ' ',
    'a'.repeat(longestPassword),
  ])('takes %j', (text) => expect(passwordProblem(text)).toBeUndefined());

  it.each([
    ['', 'is empty'],
    ['a\nb', 'is more than one line'],
    ['a\r', 'is more than one line'],
    ['a\0', 'holds a zero byte'],
    ['a\tb', 'holds a control character, which no login prompt takes'],
    ['\u001b[A', 'holds a control character, which no login prompt takes'],
    ['a\ufffd', 'is not text in UTF-8'],
    ['é'.repeat(256), 'is longer than 511 bytes'],
  ])('does not take %j', (text, problem) => {
    expect(passwordProblem(text)).toBe(problem);
  });

  it('never repeats the password', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, unit: 'binary' }), (text) => {
        expect(passwordProblem(text) ?? '').not.toContain(text);
      }),
    );
  });
});
