import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leavingLinks } from './leaving-links.ts';

const leaving = (links: Record<string, string>) =>
  leavingLinks(Object.entries(links).map(([path, target]) => ({ path, target }))).map(
    ({ path }) => path,
  );

describe('a link', () => {
  it.each([
    ['to a file beside it', { a: 'b' }],
    ['to nothing', { a: 'nothing/at/all' }],
    ['up and down again', { 'x/y/a': '../../z' }],
    ['to the top', { 'x/a': '..' }],
    ['in a circle', { a: 'b', b: 'a' }],
    [
      'to a program of the system',
      { 'bin/python3': '/usr/bin/python3.11', 'bin/python': 'python3' },
    ],
  ])('%s stays', (_, links) => {
    expect(leaving(links)).toEqual([]);
  });

  it.each([
    ['by a whole path', { a: '/etc/passwd' }],
    ['by a whole path to a program’s directory', { a: '/usr/bin' }],
    ['by a whole path that goes on from a program', { a: '/usr/bin/../../etc/passwd' }],
    ['by a whole path to the directory above the programs', { a: '/usr/bin/..' }],
    ['by a whole path to the programs themselves', { a: '/bin/.' }],
    ['on from a link to a program', { b: '/usr/bin/X11', a: 'b/../../../etc/passwd' }],
    ['on from a link to a program, which is a directory', { b: '/usr/bin/X11', a: 'b/x' }],
    ['through what is no link yet', { a: 'b/../../etc/passwd' }],
    ['through what is no link yet, and only as far as the top', { a: 'b/../c' }],
    ['above the top', { a: '../b' }],
    ['above the top from below', { 'x/y/a': '../../../b' }],
    ['above the top and down by its own name', { a: '../tree/b' }],
    ['through another one', { 'x/up': '..', a: 'x/up/../secret' }],
    ['down and up', { a: 'x/../../b' }],
  ])('%s leaves', (_, links) => {
    expect(leaving(links)).toContain('a' in links ? 'a' : 'x/y/a');
  });
});

it('what stays by it stays for the kernel', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const target = fc.array(fc.constantFrom('..', '.', 'a', 'b', 'c'), {
    minLength: 1,
    maxLength: 5,
  });
  const link = fc.record({ path: fc.array(name, { minLength: 1, maxLength: 3 }), target });
  fc.assert(
    fc.property(fc.array(link, { maxLength: 6 }), (wanted) => {
      const area = realpathSync(mkdtempSync(join(tmpdir(), 'cbl-')));
      const top = join(area, 'outer', 'top');
      mkdirSync(join(top, 'a/b/c'), { recursive: true });
      // Something to be met by whoever leaves.
      for (const one of ['a', 'b', 'c']) mkdirSync(join(area, 'outer', one));
      try {
        const links = wanted.flatMap(({ path, target: to }) => {
          const made = { path: path.join('/'), target: to.join('/') };
          try {
            if (realpathSync(dirname(join(top, made.path))) !== dirname(join(top, made.path)))
              return [];
            symlinkSync(made.target, join(top, made.path));
            return [made];
          } catch {
            return [];
          }
        });
        const out = new Set(leavingLinks(links).map(({ path }) => path));
        for (const { path } of links.filter((one) => !out.has(one.path))) {
          let real = top;
          try {
            real = realpathSync(join(top, path));
          } catch {
            // It leads nowhere.
          }
          expect(`${real}/`.startsWith(`${top}/`), `${path} in ${JSON.stringify(links)}`).toBe(
            true,
          );
        }
      } finally {
        rmSync(area, { recursive: true });
      }
    }),
  );
});
