import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths, Store } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { createStore } from './store.ts';
import { restoreVmUndo } from './trash.ts';

const web = parseVmName('web');
const webTwo = parseVmName('web-2');
const io = quietIo();
const noon = Date.UTC(2026, 0, 31, 12);
const hour = 3_600_000;
let time: number;
let host: Host;
let paths: Paths;
let store: Store;
const nothing = async () => {};
const undoHandlers = {
  'remove-path': nothing,
  'stop-machine': nothing,
  'release-leases': nothing,
  'restore-vm': nothing,
};
beforeEach(() => {
  time = noon;
  const home = mkdtempSync(join(tmpdir(), 'cb-'));
  host = { ...createHost({ CLONEBOX_HOME: home }), now: () => time, canBind: async () => true };
  paths = createPaths(host);
  store = createStore({ host, paths, undoHandlers });
});
afterEach(() => rmSync(paths.home, { recursive: true }));

const inTrash = () => readdirSync(paths.trash).sort();
async function trash(name = web): Promise<string> {
  const place = store.trashPlace(name);
  await store.trash(name, place);
  return place;
}
function makeVm(name = web, content = 'disk'): void {
  mkdirSync(paths.vm(name).directory, { recursive: true });
  writeFileSync(paths.vm(name).disk, content);
}

test('a trashed VM is whole in its new place, and its name and ports are free', async () => {
  makeVm();
  makeVm(webTwo);
  const http = [{ name: 'web', guest: 80, host: 8080 }];
  await store.withLock(web, io, async () => {
    await store.lease(web, http, io);
    const path = await trash();
    expect(path).toBe(`${paths.trash}/web-2026-01-31T12:00:00.000Z`);
    expect(readFileSync(`${path}/disk.qcow2`, 'utf8')).toBe('disk');
    expect(await store.lease(webTwo, http, io)).toMatchObject([{ host: 8080 }]);
  });
  expect(await store.names()).toEqual(['web-2']);
});

test('VMs of one name trashed in one moment are all kept', async () => {
  for (const content of ['first', 'second']) {
    makeVm(web, content);
    await trash();
  }
  expect(inTrash()).toEqual(['web-2026-01-31T12:00:00.000Z', 'web-2026-01-31T12:00:00.001Z']);
});

test('a VM goes nowhere but to a free place of its own in the trash', async () => {
  makeVm();
  const place = await trash();
  makeVm();
  await expect(store.trash(web, place)).rejects.toMatchObject({ code: 'conflict' });
  for (const path of [store.trashPlace(webTwo), `${paths.trash}/x`, '/tmp/x']) {
    await expect(store.trash(web, path), path).rejects.toMatchObject({ code: 'refused' });
  }
  expect(await store.names()).toEqual(['web']);
});

test('there is nothing to trash without a VM', async () => {
  await expect(trash()).rejects.toMatchObject({ code: 'not-found' });
});

test('emptying takes what is older than the age, and leaves what is not ours', async () => {
  makeVm();
  await trash();
  time = noon + 20 * hour;
  makeVm(webTwo);
  await trash(webTwo);
  mkdirSync(`${paths.trash}/my-notes`);
  time = noon + 25 * hour;
  expect(await store.emptyTrash(24 * hour)).toBe(1);
  expect(inTrash()).toEqual(['my-notes', 'web-2-2026-02-01T08:00:00.000Z']);
  expect(await store.emptyTrash(0)).toBe(1);
  expect(inTrash()).toEqual(['my-notes']);
});

test('an empty state directory has an empty trash', async () => {
  expect(await store.emptyTrash(0)).toBe(0);
});

test('after a purge nothing names the VM, and its neighbours are untouched', async () => {
  const dead = { ...host, processRef: async (pid: number) => ({ pid, startTime: 1 }) };
  for (const name of [web, webTwo]) {
    makeVm(name);
    await trash(name);
    makeVm(name);
    mkdirSync(paths.runtimeOf(name), { recursive: true });
    await createStore({ host: dead, paths, undoHandlers }).beginJournal('clone', name);
  }
  const purge = async () => {
    await store.lease(web, [{ name: 'web', guest: 80, host: 8080 }], io);
    await store.purge(web);
  };
  await store.withLock(webTwo, io, nothing);
  await store.withLock(web, io, purge);

  const left = readdirSync(paths.home, { recursive: true, encoding: 'utf8' });
  expect(left.filter((path) => path.replaceAll('web-2', '').includes('web'))).toEqual([]);
  expect(readFileSync(paths.leases, 'utf8')).not.toContain('"web"');
  expect(await store.unfinished()).toMatchObject([{ vm: 'web-2' }]);
  expect(await store.names()).toEqual(['web-2']);
  expect(await host.files.facts(paths.runtimeOf(web))).toBeUndefined();
  expect(await host.files.facts(paths.runtimeOf(webTwo))).toBeDefined();
  expect(await host.files.facts(`${paths.locks}/web-2.lock`)).toBeDefined();
});

test('a VM comes back whole from the trash, with its ports, and doing it twice is no error', async () => {
  makeVm();
  const http = [{ name: 'web', guest: 80, host: 8080 }];
  await store.lease(web, http, io);
  const from = await trash();
  const restore = restoreVmUndo(host, paths);
  await restore({ from, name: web }, io);
  await restore({ from, name: web }, io);
  expect(readFileSync(paths.vm(web).disk, 'utf8')).toBe('disk');
  expect(inTrash()).toEqual([]);
});

test('nothing comes back over a VM, under another name, or from elsewhere', async () => {
  makeVm();
  const from = await trash();
  makeVm(web, 'new');
  const restore = restoreVmUndo(host, paths);
  await expect(restore({ from, name: web }, io)).rejects.toMatchObject({ code: 'conflict' });
  expect(readFileSync(paths.vm(web).disk, 'utf8')).toBe('new');
  for (const path of [from.replace('web', 'db'), `${from}/x`, `/tmp/${from}`, paths.trash, '/']) {
    const undo = { from: path, name: web };
    await expect(restore(undo, io), path).rejects.toMatchObject({ code: 'refused' });
  }
});

test('a purge may be repeated, and needs no VM', async () => {
  await store.purge(web);
  await store.purge(web);
  expect(await store.names()).toEqual([]);
});
