import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localFiles as files } from './files.ts';

let scratch: string;
beforeEach(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => fs.rmSync(scratch, { recursive: true }));
const at = (name: string) => join(scratch, name);
const read = (name: string) => fs.readFileSync(at(name), 'utf8');

test('a file is written over in place, and made for this user alone', async () => {
  await files.overwriteSynced(at('file'), 'first line');
  expect(fs.statSync(at('file')).mode & 0o777).toBe(0o600);
  const { ino } = fs.statSync(at('file'));
  await files.overwriteSynced(at('file'), 'SECOND');
  expect(read('file')).toBe('SECONDline');
  expect(fs.statSync(at('file')).ino).toBe(ino);
  await expect(files.overwriteSynced(at('no/file'), 'x')).rejects.toThrow();
});

test('a file is cut, and one that is not there is not made', async () => {
  fs.writeFileSync(at('file'), 'whole');
  await files.truncate(at('file'), 2);
  expect(read('file')).toBe('wh');
  await expect(files.truncate(at('none'), 0)).rejects.toThrow();
  expect(fs.readdirSync(scratch)).toEqual(['file']);
});

test('an open file stays the same under another name, and is read at any place', async () => {
  fs.writeFileSync(at('file'), '0123456789');
  const file = await files.open(at('file'));
  fs.renameSync(at('file'), at('other'));
  fs.writeFileSync(at('file'), 'new');
  const into = Buffer.alloc(4);
  expect(await file?.size()).toBe(10);
  expect(await file?.read(into, 3)).toBe(4);
  expect(into.toString()).toBe('3456');
  expect(await file?.read(into, 8)).toBe(2);
  expect(into.toString('utf8', 0, 2)).toBe('89');
  expect(await file?.read(into, 20)).toBe(0);
  await file?.close();
  expect(await files.open(at('none'))).toBeUndefined();
});

test('a text is written as it comes, and nothing is left of one that fails', async () => {
  const parts = async function* (fails: boolean) {
    for (let part = 0; part < 50; part += 1) yield 'ü'.repeat(10_000);
    if (fails) throw new Error('no more');
  };
  await files.writeAtomic(at('file'), parts(false));
  expect(read('file')).toBe('ü'.repeat(500_000));
  await expect(files.writeAtomic(at('file'), parts(true))).rejects.toThrow('no more');
  expect(read('file')).toHaveLength(500_000);
  expect(fs.readdirSync(scratch)).toEqual(['file']);
});
