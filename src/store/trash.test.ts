import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mortal } from '../../test/fixtures/mortal-host.ts';
import {
  createStoreBed,
  db,
  factsOf,
  recordOf,
  type StoreBed,
  web,
} from '../../test/fixtures/store-bed.ts';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths, Store } from '../core/store.ts';
import { withVmLock } from './locks.ts';

const webTwo = parseVmName('web-2');
const io = quietIo();
const noon = Date.UTC(2026, 0, 31, 12);
const hour = 3_600_000;
let time: number;
let bed: StoreBed;
let host: Host;
let paths: Paths;
let store: Store;
const nothing = async () => {};
beforeEach(() => {
  time = noon;
  bed = createStoreBed({ now: () => time });
  ({ host, paths, store } = bed);
});
afterEach(() => bed.remove());

const inTrash = () => readdirSync(paths.trash).sort();
async function trash(name = web): Promise<string> {
  const place = store.trashPlace(name);
  await store.trash(name, place);
  return place;
}
function makeVm(name = web, content = 'disk'): void {
  bed.makeVm(name, content);
}
const http = [{ name: 'web', guest: 80, host: 8080 }];
const held = () => JSON.parse(readFileSync(paths.leases, 'utf8')).leases;

test('a trashed VM is whole in its new place, and its name and ports are free', async () => {
  makeVm();
  makeVm(webTwo);
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
  for (const name of [web, webTwo]) {
    makeVm(name);
    await trash(name);
    makeVm(name);
    mkdirSync(paths.runtimeOf(name), { recursive: true });
    const journal = await bed.doomed().beginJournal(factsOf(), name);
    await journal.step('start', { kind: 'stop-machine', driver: 'qemu', name }, nothing);
  }
  const purge = async () => {
    await store.lease(web, [{ name: 'web', guest: 80, host: 8080 }], io);
    await store.purge(web);
  };
  await store.withLock(webTwo, io, nothing);
  await store.withLock(web, io, purge);

  expect(bed.told()).toMatchObject([{ event: 'vm.create', outcome: 'failure' }]);
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
  await store.write(recordOf(web, await store.lease(web, http, io)));
  const from = await trash();
  expect(held()).toEqual([]);
  await store.restore(web, from, io);
  await store.restore(web, from, io);
  expect(readFileSync(paths.vm(web).disk, 'utf8')).toBe('disk');
  expect(await store.read(web)).toEqual(recordOf(web, http));
  expect(held()).toEqual([{ ...http[0], vm: 'web' }]);
  expect(inTrash()).toEqual([]);
});

test.each(['another VM has', 'something listens on'])(
  'a port that %s meanwhile moves on, in the record too',
  async (who) => {
    makeVm();
    makeVm(db);
    await store.write(recordOf(web, await store.lease(web, http, io)));
    const from = await trash();
    let other = store;
    if (who === 'another VM has') await store.lease(db, http, io);
    else other = bed.on({ ...host, canBind: async (port) => port !== 8080 });
    await other.restore(web, from, io);
    const moved = [{ name: 'web', guest: 80, host: 8081 }];
    expect(await store.read(web)).toEqual(recordOf(web, moved));
    await other.restore(web, from, io);
    expect(await store.read(web)).toEqual(recordOf(web, moved));
    expect(held().filter(({ vm }: { vm: string }) => vm === 'web')).toEqual([
      { ...moved[0], vm: 'web' },
    ]);
  },
);

test('killed at any point, a VM comes back whole with the ports that its record has', async () => {
  const places = new Set<string>();
  for (let dieAt = 0, lived = false; !lived; dieAt++) {
    bed.remove();
    bed = createStoreBed();
    ({ host, paths, store } = bed);
    makeVm();
    makeVm(db);
    await store.write(recordOf(web, await store.lease(web, http, io)));
    const from = await trash();
    await store.lease(db, http, io);
    const process = mortal(host, dieAt, 0.5);
    lived = await process.outlives(bed.on(process.host).restore(web, from, io));
    places.add(inTrash().length === 0 ? 'back' : 'in the trash');
    await store.restore(web, from, io);
    expect(readFileSync(paths.vm(web).disk, 'utf8')).toBe('disk');
    const record = await store.read(web);
    expect(record?.leases).toHaveLength(1);
    const own = held().filter(({ vm }: { vm: string }) => vm === 'web');
    expect(own, `died at ${dieAt}`).toEqual([{ ...record?.leases[0], vm: 'web' }]);
    expect(own[0].host).not.toBe(8080);
  }
  expect([...places]).toEqual(['in the trash', 'back']);
}, 60_000);

test('a broken VM comes back broken', async () => {
  makeVm();
  writeFileSync(paths.vm(web).record, '{');
  const from = await trash();
  await store.restore(web, from, io);
  expect(await store.names()).toEqual(['web']);
  await expect(store.read(web)).rejects.toMatchObject({ facts: { state: 'broken' } });
});

test('a VM that is neither here nor there cannot come back', async () => {
  const from = store.trashPlace(web);
  await expect(store.restore(web, from, io)).rejects.toMatchObject({ code: 'not-found' });
});

test('nothing comes back over a VM, under another name, or from elsewhere', async () => {
  makeVm();
  const from = await trash();
  makeVm(web, 'new');
  await expect(store.restore(web, from, io)).rejects.toMatchObject({ code: 'conflict' });
  expect(readFileSync(paths.vm(web).disk, 'utf8')).toBe('new');
  for (const path of [from.replace('web', 'db'), `${from}/x`, `/tmp/${from}`, paths.trash, '/']) {
    await expect(store.restore(web, path, io), path).rejects.toMatchObject({ code: 'refused' });
  }
});

test('the list of the trash is oldest first, and has nothing that is not ours', async () => {
  for (const name of [webTwo, web]) {
    makeVm(name);
    await trash(name);
    time += hour;
  }
  mkdirSync(`${paths.trash}/my-notes`);
  expect(await store.listTrash()).toEqual([
    { name: 'web-2', path: `${paths.trash}/web-2-2026-01-31T12:00:00.000Z`, deleted: noon },
    { name: 'web', path: `${paths.trash}/web-2026-01-31T13:00:00.000Z`, deleted: noon + hour },
  ]);
});

test('trashing what is in its place already only frees its ports', async () => {
  makeVm();
  const place = await trash();
  await withVmLock({ host, paths, name: web }, io, async () => {
    await store.lease(web, http, io);
    await store.trash(web, place);
  });
  expect(held()).toEqual([]);
  expect(inTrash()).toHaveLength(1);
});

test.each(['emptied', 'purged'])(
  'a VM whose removal died is no VM any more: %s',
  async (how) => {
    for (let dieAt = 0, lived = false; !lived; dieAt++) {
      bed.remove();
      bed = createStoreBed();
      ({ host, paths, store } = bed);
      makeVm();
      writeFileSync(paths.vm(web).record, '{}');
      await trash();
      const process = mortal(host, dieAt, 0.5);
      const doomed = bed.on(process.host);
      lived = await process.outlives(how === 'emptied' ? doomed.emptyTrash(0) : doomed.purge(web));
      for (const { path } of await store.listTrash()) {
        expect(readdirSync(path).sort(), `died at ${dieAt}`).toEqual(['disk.qcow2', 'record.json']);
      }
      if (how === 'emptied') await store.emptyTrash(0);
      else await store.purge(web);
      expect(inTrash()).toEqual([]);
    }
  },
  60_000,
);

test('a purge that a later process brings to its end is told, wherever that one dies too', async () => {
  for (let dieAt = 0, lived = false; !lived; dieAt++) {
    bed.remove();
    bed = createStoreBed();
    ({ host, paths, store } = bed);
    makeVm();
    const journal = await bed.doomed().beginJournal(factsOf('vm.delete'), web);
    const finish = { kind: 'purge-vm', driver: 'qemu', name: web } as const;
    const purge = journal.finish('gone', finish, () => Promise.reject(new Error('no')));
    await expect(purge).rejects.toThrow('no');
    const process = mortal(host, dieAt, 0.5);
    lived = await process.outlives(bed.on(process.host).recover(web, io));
    for (const { vm } of await store.unfinished()) await store.recover(vm ?? undefined, io);
    await store.recover(undefined, io);
    expect(bed.told(), `died at ${dieAt}`).toMatchObject([
      { id: journal.id, event: 'vm.delete', outcome: 'success' },
      { event: 'system.recover', parent: journal.id },
    ]);
    expect([await store.names(), inTrash(), bed.journals()]).toEqual([[], [], []]);
  }
}, 60_000);

test('a purge may be repeated, and needs no VM', async () => {
  await store.purge(web);
  await store.purge(web);
  expect(await store.names()).toEqual([]);
});
