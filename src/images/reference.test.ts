import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CloneboxError } from '../core/errors.ts';
import { isImportName, parseReference } from './reference.ts';

const hex = 'ab'.repeat(32);

describe('a reference', () => {
  test.each([
    ['auto', { kind: 'auto' }],
    ['debian:12', { kind: 'catalogue', name: 'debian:12' }],
    ['ubuntu:24.04', { kind: 'catalogue', name: 'ubuntu:24.04' }],
    ['bootstrap:debian:12', { kind: 'bootstrap', release: '12' }],
    ['./disk.qcow2', { kind: 'file', path: './disk.qcow2' }],
    ['images/disk', { kind: 'file', path: 'images/disk' }],
    ['~/disk.raw', { kind: 'file', path: '~/disk.raw' }],
    ['.hidden', { kind: 'file', path: '.hidden' }],
    ['/a b,c.qcow2', { kind: 'file', path: '/a b,c.qcow2' }],
    ['team-image', { kind: 'name', name: 'team-image' }],
    ['team:v1.2', { kind: 'name', name: 'team:v1.2' }],
    [
      `https://files.example/d.qcow2#sha256:${hex.toUpperCase()}`,
      { kind: 'url', url: 'https://files.example/d.qcow2', sha256: hex },
    ],
    [
      `http://127.0.0.1:8080/d#sha256:${hex}`,
      { kind: 'url', url: 'http://127.0.0.1:8080/d', sha256: hex },
    ],
  ])('%s is understood', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  test.each([
    ['https://files.example/d.qcow2', 'refused'],
    ['https://files.example/d.qcow2#sha256:1234', 'refused'],
    ['https://files.example/d.qcow2#md5:1234', 'refused'],
    [`http://files.example/d.qcow2#sha256:${hex}`, 'refused'],
    [`file:///etc/passwd#sha256:${hex}`, 'refused'],
    [`https://user:secret@files.example/d#sha256:${hex}`, 'usage'],
    ['', 'usage'],
    ['Debian 12', 'usage'],
    ['bootstrap:fedora:40', 'usage'],
    ['debian:bookworm', 'usage'],
    ['-rf', 'usage'],
  ])('%j is not taken', (text, code) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code }));
  });

  test('of any text is read or refused, and a name never reaches a path', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const parsed = parseReference(text);
          if (parsed.kind === 'name') expect(parsed.name).toMatch(/^[a-z0-9][a-z0-9._:-]*$/);
        } catch (error) {
          expect(error).toBeInstanceOf(CloneboxError);
        }
      }),
    );
  });

  test('may be given to an imported disk only if it is no other kind', () => {
    expect(isImportName('ci-runner')).toBe(true);
    for (const name of ['auto', 'debian:12', 'bootstrap:debian:12', 'a/b', '.x', 'A', '']) {
      expect(isImportName(name)).toBe(false);
    }
  });
});
