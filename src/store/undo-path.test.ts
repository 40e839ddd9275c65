import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import type { Paths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { removePathUndo } from './undo-path.ts';

const web = parseVmName('web');
let host: Host;
let paths: Paths;
beforeEach(() => {
  host = createHost({ CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) });
  paths = createPaths(host);
});
afterEach(() => rmSync(paths.home, { recursive: true }));
const refused = expect.objectContaining({ code: 'refused' });

test.each(['vms', 'trash', 'run/vms'])(
  'a tree below %s is removed, twice if need be',
  async (place) => {
    const path = `${paths.home}/${place}/web`;
    mkdirSync(`${path}/snapshots`, { recursive: true });
    const remove = removePathUndo(host, paths);
    await remove({ path });
    await remove({ path });
    expect(await host.files.facts(path)).toBeUndefined();
  },
);

test('a path in a directory that is gone is done', async () => {
  await removePathUndo(host, paths)({ path: paths.vm(web).disk });
});

test('everything outside our directories is refused', async () => {
  const { home, vms, trash, runtime } = paths;
  for (const path of [
    '/etc/passwd',
    '/',
    '',
    'vms/web',
    home,
    vms,
    `${vms}/`,
    trash,
    runtime,
    `${runtime}/vms`,
    paths.leases,
    paths.journal,
    `${vms}/../leases.json`,
    `${vms}/web/../../../x`,
    `${vms}/./web`,
    `${vms}//web`,
    `${vms}-other/web`,
    `${paths.images}/x`,
  ]) {
    await expect(removePathUndo(host, paths)({ path }), path).rejects.toEqual(refused);
  }
});

test('a path that leads out through a symbolic link is refused, the link itself is removed', async () => {
  const outside = join(paths.home, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), 'kept');
  mkdirSync(paths.vm(web).directory, { recursive: true });
  const link = `${paths.vm(web).directory}/link`;
  symlinkSync(outside, link);
  const remove = removePathUndo(host, paths);
  await expect(remove({ path: `${link}/precious` })).rejects.toEqual(refused);
  await remove({ path: link });
  expect(await host.files.facts(link)).toBeUndefined();
  expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('kept');
});

test('a home behind a symbolic link is still ours', async () => {
  const link = join(paths.home, 'link');
  symlinkSync(paths.home, link);
  const linked = createPaths(createHost({ CLONEBOX_HOME: link }));
  mkdirSync(linked.vm(web).directory, { recursive: true });
  await removePathUndo(host, linked)({ path: linked.vm(web).directory });
  expect(await host.files.facts(paths.vm(web).directory)).toBeUndefined();
});
