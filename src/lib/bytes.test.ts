import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactBytes, formatBytes, parseBytes } from './bytes.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

describe('parseBytes', () => {
  it.each([
    ['512M', 512 * MiB],
    ['2G', 2 * GiB],
    ['2GiB', 2 * GiB],
    ['2 GiB', 2 * GiB],
    ['1.5G', 1.5 * GiB],
    ['1.1G', 1_181_116_006],
    ['2g', 2 * GiB],
    ['4096B', 4096],
    ['0K', 0],
    [' 1T ', 1024 * GiB],
  ])('reads %j', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each([
    ['2048', /needs a unit: write for example 2048M/],
    ['2X', /unknown unit/],
    ['2Gi', /unknown unit/],
    ['2GB', /decimal or binary: write 2G/],
    ['100Mbps', /unknown unit/],
    ['', /not a size/],
    ['G', /not a size/],
    ['-1G', /not a size/],
    ['1e3G', /not a size/],
    ['0x10M', /not a size/],
    ['1,5G', /not a size/],
    ['1G 2', /not a size/],
    ['0.0001K', /less than a byte/],
    ['999999P', /too large/],
    [`${'9'.repeat(400)}G`, /not a size/],
  ])('refuses %j', (text, message) => {
    expect(() => parseBytes(text)).toThrow(message);
    expect(() => parseBytes(text)).toThrow(RangeError);
  });

  it('never turns an unknown unit into a number', () => {
    const word = fc.stringMatching(/^[A-Za-z]{1,6}$/);
    fc.assert(
      fc.property(fc.nat(), word, (amount, unit) => {
        fc.pre(!/^([kmgtp](ib)?|b)$/i.test(unit));
        expect(() => parseBytes(`${amount}${unit}`)).toThrow(RangeError);
      }),
    );
  });
});

describe('exactBytes', () => {
  it('is read back as the same number', () => {
    const any = fc.maxSafeNat();
    const whole = fc.tuple(fc.nat(4096), fc.constantFrom(1, MiB, GiB)).map(([a, b]) => a * b);
    fc.assert(
      fc.property(fc.oneof(any, whole), (bytes) => {
        expect(parseBytes(exactBytes(bytes))).toBe(bytes);
      }),
    );
  });

  it('takes the largest unit that fits', () => {
    expect(exactBytes(20 * GiB)).toBe('20G');
    expect(exactBytes(1536 * MiB)).toBe('1536M');
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1K'],
    [1.5 * GiB, '1.5G'],
    [1_234_567_890, '1.1G'],
    [1024 * MiB - 1, '1G'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('is never further off than its one decimal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 2 ** 50 }), (bytes) => {
        const off = Math.abs(parseBytes(formatBytes(bytes)) - bytes) / bytes;
        expect(off).toBeLessThanOrEqual(0.05);
      }),
    );
  });
});
