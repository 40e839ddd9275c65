import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GuestFile, packFiles } from './archive.ts';

/** What tar(1), which unpacks it in the guest, makes of an archive: mode, owner, path and target. */
async function listed(files: readonly GuestFile[]): Promise<string[]> {
  const options = ['--numeric-owner', '--quoting-style=escape', '-tvf', '-'];
  const input = await packFiles(files);
  const text = execFileSync('tar', options, {
    input,
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8' },
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +\d+ \d{4}-\d\d-\d\d \d\d:\d\d /, ' '));
}

describe('an archive', () => {
  test('has owners, modes and links as tar reads them', async () => {
    expect(
      await listed([
        { path: '/etc/passwd', content: 'root:x:0:0:::\n' },
        { path: '/etc/shadow', content: 'x', mode: 0o640, gid: 42 },
        { path: '/etc/sudoers.d/90', content: 'x', mode: 0o440 },
        { path: '/home/me', directory: true, mode: 0o750, uid: 1234, gid: 4321 },
        { path: '/home/me/.ssh', directory: true, uid: 1234, gid: 4321 },
        { path: '/usr/local/bin/tool', content: '', mode: 0o4755 },
        { path: '/etc/localtime', link: '/usr/share/zoneinfo/Europe/Berlin' },
        { path: '/home/me/link with space', link: '../a b', uid: 4_000_000, gid: 3_000_000 },
      ]),
    ).toEqual([
      '-rw-r--r-- 0/0 etc/passwd',
      '-rw-r----- 0/42 etc/shadow',
      '-r--r----- 0/0 etc/sudoers.d/90',
      'drwxr-x--- 1234/4321 home/me',
      'drwxr-xr-x 1234/4321 home/me/.ssh',
      '-rwsr-xr-x 0/0 usr/local/bin/tool',
      'lrw-r--r-- 0/0 etc/localtime -> /usr/share/zoneinfo/Europe/Berlin',
      'lrw-r--r-- 4000000/3000000 home/me/link with space -> ../a b',
    ]);
  });

  test('holds names that are long or not ASCII', async () => {
    const long = `/${'d'.repeat(120)}/${'é'.repeat(100)}`;
    expect(await listed([{ path: long, content: '' }])).toEqual([
      `-rw-r--r-- 0/0 ${long.slice(1)}`,
    ]);
    expect(await listed([{ path: '/link', link: long }])).toEqual([
      `lrw-r--r-- 0/0 link -> ${long}`,
    ]);
  });

  test('unpacks to the same content, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 3000 }), async (content) => {
        const input = await packFiles([{ path: '/a/file', content }]);
        const out = execFileSync('tar', ['-xOf', '-', 'a/file'], { input });
        expect(out.equals(Buffer.from(content, 'utf8'))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});
