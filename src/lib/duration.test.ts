import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1d1ms', 86_400_001],
    ['0s', 0],
  ])('reads %j', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each([
    ['5', /needs a unit: write for example 5s/],
    ['1h30', /needs a unit: write for example 30s/],
    ['5w', /unknown unit/],
    ['5sec', /unknown unit/],
    ['30m1h', /out of order/],
    ['1m1m', /out of order/],
    ['', /not a duration/],
    ['s', /not a duration/],
    ['-5s', /not a duration/],
    ['5s!', /not a duration/],
    ['5 s', /needs a unit|not a duration/],
    ['999999999999999d', /too large/],
  ])('refuses %j', (text, message) => {
    expect(() => parseDuration(text)).toThrow(message);
    expect(() => parseDuration(text)).toThrow(RangeError);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1000, '1s'],
    [1234, '1.234s'],
    [5_400_000, '1h30m'],
    [90_061_001, '1d1h1m1.001s'],
  ])('writes %d as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('is read back as the same number', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});
