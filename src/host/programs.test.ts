import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { explainSpawn, missingProgram, which } from './programs.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

function makeProgram(folder: string, mode = 0o755): string {
  mkdirSync(join(scratch, folder), { recursive: true });
  writeFileSync(join(scratch, folder, 'tool'), '#!/bin/sh\n');
  chmodSync(join(scratch, folder, 'tool'), mode);
  return join(scratch, folder, 'tool');
}

describe('which', () => {
  const path = (...folders: string[]) => folders.map((name) => join(scratch, name)).join(':');

  test('takes the first on the PATH, then other places', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((folder) => makeProgram(folder));
    expect(await which('tool', path('none', 'a', 'b'), [c as string])).toBe(a);
    expect(await which('tool', path('b', 'a'), [c as string])).toBe(b);
    expect(await which('tool', path('none'), ['/none', c as string])).toBe(c);
    expect(await which('tool', path('none'))).toBeUndefined();
  });

  test('looks in the sbin of the system, which are not on a plain PATH', async () => {
    expect(await which('mke2fs', undefined)).toMatch(/\/sbin\/mke2fs$/);
  });

  test('takes no directory, nothing that cannot be run, and no relative place', async () => {
    mkdirSync(join(scratch, 'a/tool'), { recursive: true });
    makeProgram('b', 0o644);
    expect(await which('tool', path('a', 'b'))).toBeUndefined();
    expect(await which('tool', '.:src:')).toBeUndefined();
  });
});

test('a missing program is named with the package that has it', () => {
  expect(missingProgram('qemu-img')).toMatchObject({
    code: 'host-unable',
    hint: expect.stringContaining('apt install qemu-utils'),
    facts: { program: 'qemu-img' },
  });
  expect(missingProgram('some-tool').hint).toContain('apt install some-tool');
});

test('a program that cannot be found or searched for is missing; one that may not be run is not', () => {
  const failed = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ['ENOENT', 'EACCES']) {
    expect(explainSpawn(failed(code), 'flock')).toMatchObject({ facts: { program: 'flock' } });
  }
  expect(explainSpawn(failed('EACCES'), '/usr/bin/flock')).toEqual(failed('EACCES'));
  expect(explainSpawn(failed('EMFILE'), 'flock')).toEqual(failed('EMFILE'));
});
