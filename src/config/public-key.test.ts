import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseKeySource } from './key-source.ts';
import { isPublicKey, parsePublicKeys } from './public-key.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cb-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = join(scratch, 'key');
execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me@pc', '-f', at]);
const own = readFileSync(`${at}.pub`, 'utf8').trim();
const secret = readFileSync(at, 'utf8');
const other = `ssh-rsa ${'B'.repeat(372)}`;

describe('parsePublicKeys', () => {
  it('takes what ssh-keygen writes, and lists of it', () => {
    expect(parsePublicKeys(`${own}\n`)).toEqual([own]);
    expect(parsePublicKeys(`# mine\r\n${own}\r\n\n  ${other}\n${own}`)).toEqual([own, other]);
  });

  it('leaves out keys that no login takes', () => {
    const old = `ssh-dss ${'C'.repeat(580)} old`;
    const certificate = `ssh-ed25519-cert-v01@openssh.com ${'D'.repeat(500)} me`;
    expect(parsePublicKeys(`${old}\n${own}\n${certificate}\n`)).toEqual([own]);
    expect(() => parsePublicKeys(old)).toThrow('has no public key that a login takes');
  });

  it.each([
    ['a private key', secret],
    ['a private key behind a public one', `${own}\n${secret}`],
    [
      'an older private key',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
    ],
    ['a key of PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n'],
  ])('takes no %s, and does not repeat it', (_, text) => {
    expect(() => parsePublicKeys(text)).toThrow(/^holds a private key$/);
  });

  it.each([
    ['nothing', '', 'has no public key that a login takes'],
    ['options', `command="sh" ${own}`, 'line 1 is none'],
    ['options that look like nothing', `restrict ${own}`, 'line 1 is none'],
    ['a second key on the line', `${own}\n${own.replace(' me@pc', '\u0085')}${other}`, 'line 2'],
    ['a page', '<!DOCTYPE html>\n<title>Log in</title>', 'line 1 is none'],
    ['a password file', 'root:x:0:0:root:/root:/bin/bash\n', 'line 1 is none'],
    ['control characters', `${own} \u001b[2J`, 'line 1 is none'],
    ['too many', Array.from({ length: 101 }, (_, n) => `${own}${n}`).join('\n'), 'more than 100'],
  ])('takes no %s', (_, text, problem) => {
    expect(() => parsePublicKeys(text)).toThrow(problem);
  });

  it('gives lines of one key each, whatever it is given', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(own, other, '#', '\r', 'x'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        try {
          for (const key of parsePublicKeys(lines.join('\n'))) {
            expect(isPublicKey(key)).toBe(true);
            expect(key).not.toMatch(/[\r\n\0]/);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('parseKeySource', () => {
  it.each([
    [own, { kind: 'line', line: own }],
    ['agent', { kind: 'agent' }],
    ['github:me-2', { kind: 'github', user: 'me-2' }],
    ['~/.ssh/id.pub', { kind: 'file', path: '~/.ssh/id.pub' }],
    ['./my keys/a.pub', { kind: 'file', path: './my keys/a.pub' }],
    ['/k.pub', { kind: 'file', path: '/k.pub' }],
  ])('understands %s', (text, source) => {
    expect(parseKeySource(text)).toEqual(source);
  });

  it.each(['github:', 'github:-a', 'github:a/../b', 'github:a?x', `github:${'a'.repeat(40)}`])(
    'asks GitHub for no %s',
    (text) => expect(() => parseKeySource(text)).toThrow('is not github:USER'),
  );

  it.each(['', 'id.pub', 'Agent', 'ssh-ed25519 short', 'gitlab:me', '/k\n.pub'])(
    'does not understand %j',
    (text) => expect(() => parseKeySource(text)).toThrow('is not a public key'),
  );

  it('does not repeat a private key', () => {
    expect(() => parseKeySource(secret)).toThrow(/^is a private key, and CloneBox takes none$/);
  });
});
