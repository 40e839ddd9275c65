import { existsSync, readFileSync, rmSync } from 'node:fs';
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
import { besideName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { VmRecord } from '../core/record.ts';
import type { Swap } from '../core/store.ts';

const io = quietIo();
const beside = besideName(web);
const ssh = { name: 'ssh', guest: 22, host: undefined };
const http = { name: 'web', guest: 80, host: 8080 };

let bed: StoreBed;
beforeEach(() => {
  bed = createStoreBed();
});
afterEach(() => bed.remove());

/** VM `web` with its ports, and a new one built beside it that takes over one of them. */
async function prepare(): Promise<{ swap: Swap; old: VmRecord }> {
  const { store } = bed;
  bed.makeVm(web, 'old');
  const old = recordOf(web, await store.lease(web, [ssh, http], io));
  await store.write(old);
  bed.makeVm(beside, 'new');
  const built = await store.lease(beside, [ssh, http], io);
  const [sshLease, httpLease] = built;
  const { plan } = recordOf(web);
  await store.write({ ...recordOf(beside, built), plan });
  if (sshLease === undefined || httpLease === undefined) throw new Error('no leases');
  const record = { ...recordOf(web, [sshLease, { ...httpLease, host: 8080 }]), uuid: 'new' };
  return { swap: { name: web, beside, record, to: store.trashPlace(web) }, old };
}

const disk = (directory: string) => readFileSync(`${directory}/disk.qcow2`, 'utf8');
const held = () => JSON.parse(readFileSync(bed.paths.leases, 'utf8')).leases;

async function expectSwapped({ record, to }: Swap, old?: VmRecord): Promise<void> {
  expect(disk(bed.paths.vm(web).directory)).toBe('new');
  expect(await bed.store.read(web)).toEqual(record);
  expect(existsSync(bed.paths.vm(beside).directory)).toBe(false);
  expect(new Set(held())).toEqual(new Set(record.leases.map((lease) => ({ ...lease, vm: 'web' }))));
  if (old === undefined) return;
  expect(disk(to)).toBe('old');
  expect(JSON.parse(readFileSync(`${to}/record.json`, 'utf8'))).toMatchObject({
    leases: old.leases,
  });
}

test('a VM built beside another is kept under a name of its own that no list shows', async () => {
  const { old } = await prepare();
  expect(await bed.store.names()).toEqual(['web']);
  expect((await bed.store.read(beside))?.name).toBe('web.new');
  expect(await bed.store.read(web)).toEqual(old);
  const ports = held().map(({ host }: { host: number }) => host);
  expect(new Set(ports).size).toBe(4);
});

test('the image of a VM built beside another is in use', async () => {
  await prepare();
  const digest = 'c0ffee'.padEnd(64, '0');
  const record = recordOf(web);
  await bed.store.write({ ...record, name: beside, image: { ...record.image, digest } });
  expect(await bed.store.imageDigests()).toContainEqual({ name: 'web.new', digest });
});

test('the new VM has its place, its record and its ports, and the old one is whole in the trash', async () => {
  const { swap, old } = await prepare();
  await bed.store.swap(swap, io);
  await expectSwapped(swap, old);
  await bed.store.swap(swap, io);
  await expectSwapped(swap, old);
});

test('the old VM can come back once the new one is gone', async () => {
  const { swap, old } = await prepare();
  await bed.store.swap(swap, io);
  await bed.store.purge(web);
  expect(existsSync(swap.to)).toBe(false);
  const again = await prepare();
  await bed.store.swap(again.swap, io);
  await bed.store.trash(web, bed.store.trashPlace(web));
  await bed.store.restore(web, again.swap.to, io);
  expect(disk(bed.paths.vm(web).directory)).toBe('old');
  expect(await bed.store.read(web)).toEqual(old);
});

test('a port that another VM got meanwhile stays with that one', async () => {
  const { swap } = await prepare();
  bed.makeVm(db);
  const [taken] = await bed.store.lease(db, [{ ...http, host: 9090 }], io);
  const record = { ...swap.record, leases: [{ ...http, host: 9090 }] };
  await bed.store.swap({ ...swap, record }, io);
  expect(held()).toEqual([{ ...taken, vm: 'db' }]);
});

test('nothing goes to a place that is none of its own in the trash', async () => {
  const { swap, old } = await prepare();
  const to = `${bed.paths.trash}/db-2026-01-31T12:00:00.000Z`;
  await expect(bed.store.swap({ ...swap, to }, io)).rejects.toMatchObject({ code: 'refused' });
  expect(await bed.store.read(web)).toEqual(old);
});

/** Kills a swap at every point; `meanwhile` happens before the next process recovers, which may die too. */
async function killEverywhere(
  meanwhile: (swap: Swap) => Promise<void>,
  check: (swap: Swap, old: VmRecord) => Promise<void>,
): Promise<void> {
  for (let dieAt = 0, lived = false; !lived; dieAt++) {
    bed.remove();
    bed = createStoreBed();
    const { swap, old } = await prepare();
    const process = mortal(bed.host, dieAt, 0.5);
    const store = bed.on(process.host);
    let isSwapped = false;
    const work = async () => {
      const journal = await store.beginJournal(factsOf('vm.replace'), web);
      await journal.step('ports', { kind: 'release-leases', name: beside }, async () => {});
      await journal.finish('in its place', { kind: 'swap-vm', driver: 'qemu', ...swap }, () =>
        store.swap(swap, io),
      );
      isSwapped = true;
      await journal.close();
    };
    lived = await process.outlives(work());
    const before = bed.journals();
    const isDecided = before[0] !== undefined && isDecisionThere(before[0]);
    await meanwhile(swap);
    const second = mortal(bed.host, dieAt % 17, 0.5);
    await second.outlives(bed.on(second.host).recover(web, io));
    await bed.store.recover(web, io);
    expect(bed.journals()).toEqual([]);
    if (isSwapped || isDecided) await check(swap, old);
    else {
      expect(disk(bed.paths.vm(web).directory), `died at ${dieAt}`).toBe('old');
      expect(await bed.store.read(web)).toEqual(old);
      expect(disk(bed.paths.vm(beside).directory)).toBe('new');
    }
    if (lived) expect(dieAt).toBeGreaterThan(30);
  }
}

function isDecisionThere(entry: string): boolean {
  const text = readFileSync(`${bed.paths.journal}/${entry}`, 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .some((line) => line.includes('"finish"') || line.includes('"ended"'));
}

test('killed at any point, either the old VM is whole or the new one is', {
  timeout: 120_000,
}, async () => {
  await killEverywhere(async () => {}, expectSwapped);
});

test('a trash that was emptied meanwhile changes nothing for the new VM', {
  timeout: 120_000,
}, async () => {
  await killEverywhere(
    async ({ to }) => {
      await bed.store.emptyTrash(-1000);
      expect(existsSync(to)).toBe(false);
    },
    (swap) => expectSwapped(swap),
  );
});

test('a list of leases that is lost meanwhile is made of the records', async () => {
  const { swap } = await prepare();
  rmSync(bed.paths.leases);
  await bed.store.swap(swap, io);
  bed.makeVm(db);
  const ports = swap.record.leases.map((lease) => ({ ...lease, name: 'x', guest: 1 }));
  const given = await bed.store.lease(db, ports, io);
  for (const { host } of given) expect(ports.map((port) => port.host)).not.toContain(host);
  expect(held()).toHaveLength(4);
});
