import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellQuote, sshConfigQuote } from './quote.ts';

const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));

test('a shell reads any quoted words as they were', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (words) => {
      const line = `printf '%s\\0' ${words.map(shellQuote).join(' ')}`;
      const out = execFileSync('/bin/sh', ['-c', line]).toString('utf8');
      // printf runs its format once when there are no words.
      expect(out.split('\0').slice(0, -1)).toEqual(words.length === 0 ? [''] : words);
    }),
    { numRuns: 60 },
  );
});

test('what needs no quotes has none', () => {
  expect(shellQuote('/usr/bin/env')).toBe('/usr/bin/env');
  expect(sshConfigQuote('/home/me/key')).toBe('/home/me/key');
});

test.each([
  'plain',
  'two words',
  `it's`,
  '"q"',
  '100%h',
  'back\\slash',
  '\\"',
  '#1',
  'a # b',
  'ü',
  'a=b',
])('ssh reads a path with %j as it was, in a file too', (name) => {
  const directory = mkdtempSync(join(tmpdir(), 'cb-'));
  try {
    const file = join(directory, 'config');
    const path = `/srv/${name}/known_hosts`;
    writeFileSync(file, `Host vm\n  UserKnownHostsFile ${sshConfigQuote(path)}\n`);
    const seen = (...argv: string[]) =>
      /^userknownhostsfile (.*)$/m.exec(
        execFileSync('ssh', ['-G', ...argv, 'vm'], { encoding: 'utf8' }),
      )?.[1];
    expect(seen('-F', file)).toBe(path);
    expect(seen('-F', 'none', '-o', `UserKnownHostsFile=${sshConfigQuote(path)}`)).toBe(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
