import { describe, expect, test } from 'vitest';
import { parseChecksums } from './checksums.ts';

const a = 'a'.repeat(128);
const b = 'B'.repeat(64);
const sums = `${a}  debian-12-generic-amd64.qcow2
${'c'.repeat(128)}  debian-12-generic-amd64.qcow2.old
${b} *ubuntu-24.04-server-cloudimg-amd64.img
${'d'.repeat(64)}  ./dotted.img\r
not a line
${'e'.repeat(63)}  short.img
`;

describe('a checksum file', () => {
  test('gives the digest of exactly that file, in text and in binary mode', () => {
    expect(parseChecksums(sums, 'debian-12-generic-amd64.qcow2')).toBe(a);
    expect(parseChecksums(sums, 'ubuntu-24.04-server-cloudimg-amd64.img')).toBe(b.toLowerCase());
    expect(parseChecksums(sums, 'dotted.img')).toBe('d'.repeat(64));
  });

  test('gives nothing for a file it does not list, or whose digest is cut', () => {
    expect(parseChecksums(sums, 'debian-12-generic-arm64.qcow2')).toBeUndefined();
    expect(parseChecksums(sums, 'short.img')).toBeUndefined();
    expect(parseChecksums('', 'x')).toBeUndefined();
  });
});
