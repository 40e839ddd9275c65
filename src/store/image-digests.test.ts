import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import type { Paths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { imageDigests } from './image-digests.ts';
import { createPaths } from './paths.ts';

const digest = 'c0ffee'.padEnd(64, '0');
const other = 'dead'.padEnd(64, '0');
const record = (digest: string) =>
  JSON.stringify({ version: 9, image: { digest, reference: 'x' } });

let host: Host;
let paths: Paths;
beforeEach(() => {
  host = createHost({ CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) });
  paths = createPaths(host);
});
afterEach(() => rmSync(paths.home, { recursive: true }));

function put(directory: string, content?: string): void {
  mkdirSync(directory, { recursive: true });
  if (content !== undefined) writeFileSync(`${directory}/record.json`, content);
}
const vm = (name: string) => paths.vm(parseVmName(name)).directory;

test('every VM names its image, of whatever version its record is, those in the trash too', async () => {
  put(vm('web'), record(digest));
  put(vm('db'), record(digest));
  put(vm('begun'));
  put(`${paths.trash}/old-2026-01-31T12:00:00.000Z`, record(other));
  expect(await imageDigests({ host, paths })).toEqual([
    { name: 'db', digest },
    { name: 'web', digest },
    { name: 'trash/old-2026-01-31T12:00:00.000Z', digest: other },
  ]);
});

test('a damaged record still keeps its image', async () => {
  put(vm('web'), record(digest).slice(0, -10));
  expect(await imageDigests({ host, paths })).toEqual([{ name: 'web', digest }]);
});

test('a record that says nothing is an error, in the trash it is not', async () => {
  put(`${paths.trash}/old-2026-01-31T12:00:00.000Z`, '');
  expect(await imageDigests({ host, paths })).toEqual([]);
  put(vm('web'), '{');
  await expect(imageDigests({ host, paths })).rejects.toMatchObject({
    code: 'conflict',
    facts: { vm: 'web', state: 'broken' },
  });
});
