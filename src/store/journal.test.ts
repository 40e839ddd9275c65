import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStoreBed, db, factsOf, type StoreBed, web } from '../../test/fixtures/store-bed.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Undo } from '../core/store.ts';

const io = quietIo();
const stop: Undo = { kind: 'stop-machine', driver: 'qemu', name: web };
const release: Undo = { kind: 'release-leases', name: web };
const full = new CloneboxError('host-unable', 'the disk is full');

let bed: StoreBed;
beforeEach(() => {
  bed = createStoreBed();
});
afterEach(() => bed.remove());

const removeWeb = (): Undo => ({ kind: 'remove-path', path: bed.paths.vm(web).directory });
const makeWeb = async () => void mkdirSync(bed.paths.vm(web).directory, { recursive: true });
const nothing = async () => {};

test('a step is on disk, with its undo, before it runs', async () => {
  const facts = factsOf('vm.create');
  const journal = await bed.store.beginJournal(facts, web);
  expect(journal.id).toBe(facts.id);
  const seen = await journal.step('start the machine', stop, async () => bed.lines(journal.id));
  expect(seen).toEqual([
    {
      facts,
      vm: 'web',
      pid: process.pid,
      startTime: expect.any(Number),
      command: expect.stringMatching(/^clonebox/),
      started: expect.stringMatching(/^\d{4}-.*Z$/),
    },
    { title: 'start the machine', undo: stop },
  ]);
});

test('the result of a step is that of its action', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  expect(await journal.step('x', stop, async () => 7)).toBe(7);
});

test('what makes no step leaves no file, whichever way it ends', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.commit();
  expect(await journal.rollback(io)).toEqual([]);
  await journal.close();
  expect(await bed.host.files.facts(bed.paths.journal)).toBeUndefined();
});

test('the file tells what is known of the operation when its first step is made', async () => {
  const facts = { ...factsOf('vm.create') };
  const journal = await bed.store.beginJournal(facts, web);
  Object.assign(facts, { event: 'vm.replace', details: { image: 'debian:12' } });
  await journal.step('start', stop, nothing);
  expect(bed.lines(journal.id)[0]).toMatchObject({
    facts: { event: 'vm.replace', details: { image: 'debian:12' } },
  });
});

test('what is committed is never undone, and its file goes when it is closed', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.commit();
  await journal.commit();
  expect(await journal.rollback(io)).toEqual([]);
  expect(bed.done).toEqual([]);
  expect(bed.lines(journal.id).at(-1)).toEqual({ ended: { outcome: 'success', error: null } });
  await journal.close();
  await journal.close();
  expect(bed.journals()).toEqual([]);
});

test('a journal that has not ended is not closed', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.step('start', stop, nothing);
  await journal.close();
  expect(bed.journals()).toEqual([`${journal.id}.jsonl`]);
});

test('after its end a journal takes no step', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.step('start', stop, nothing);
  await journal.commit();
  await expect(journal.step('more', release, nothing)).rejects.toMatchObject({ code: 'bug' });
});

test('rollback undoes last in first out, also with an aborted signal', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.step('lease', release, nothing);
  const failed = journal.step('start', stop, () => Promise.reject(new Error('no')));
  await expect(failed).rejects.toThrow('no');
  expect(await journal.rollback({ ...io, signal: AbortSignal.abort() })).toEqual([]);
  expect(bed.done).toEqual(['stop-machine', 'release-leases', 'remove-path']);
  expect(await bed.store.names()).toEqual([]);
  expect(bed.lines(journal.id)).toMatchObject([{ vm: 'web' }, { ended: { outcome: 'failure' } }]);
  await journal.close();
  expect(bed.journals()).toEqual([]);
});

test('what cannot be undone is told, does not stop the rest, and is kept for later', async () => {
  bed.failing.add('stop-machine');
  const journal = await bed.store.beginJournal(factsOf('vm.create'), web);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.step('start', stop, nothing);
  expect(await journal.rollback(io)).toEqual(['start: stop-machine failed']);
  expect(await bed.store.names()).toEqual([]);
  await journal.close();
  expect(bed.lines(journal.id)).toMatchObject([
    { facts: { event: 'vm.create' }, abandoned: true },
    { title: 'start', undo: stop, failed: 'stop-machine failed' },
  ]);

  expect(await bed.store.unfinished()).toEqual([
    {
      id: journal.id,
      operation: 'vm.create',
      vm: 'web',
      lastStep: 'start',
      started: expect.stringMatching(/Z$/),
      way: 'undo',
    },
  ]);
  await expect(bed.store.recover(web, io)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('start: stop-machine failed'),
    cause: { code: 'hypervisor-failed' },
  });
  bed.failing.clear();
  expect(await bed.store.recover(web, io)).toMatchObject([{ id: journal.id }]);
  expect(bed.journals()).toEqual([]);
});

test('what is undone leaves the journal before the next step is undone', async () => {
  const journal = await bed.doomed().beginJournal(factsOf(), web);
  await journal.step('lease', release, nothing);
  await journal.step('start', stop, nothing);
  const seen: unknown[] = [];
  const look = async () => void seen.push(bed.lines(journal.id).map((line) => line.title));
  const store = bed.on(bed.host, { undo: { 'stop-machine': look, 'release-leases': look } });
  await store.recover(web, io);
  expect(seen).toEqual([
    [undefined, 'lease', 'start'],
    [undefined, 'lease'],
  ]);
});

test('what a full disk keeps from being undone is tried again once files are removed', async () => {
  let room = false;
  const store = bed.on(bed.host, {
    undo: {
      'remove-path': async () => {
        bed.done.push('remove-path');
        room = true;
      },
      'stop-machine': async () => void bed.done.push('stop-machine'),
      'release-leases': async () => {
        if (!room) throw full;
        bed.done.push('release-leases');
      },
      'sync-ports': async () => void bed.done.push('sync-ports'),
      'sweep-drafts': nothing,
      'sweep-images': nothing,
      'sweep-templates': nothing,
    },
  });
  const journal = await store.beginJournal(factsOf(), web);
  await journal.step('forwards', { kind: 'sync-ports', name: web }, nothing);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.step('its ports', release, nothing);
  await journal.step('start it', stop, nothing);
  expect(await journal.rollback(io)).toEqual([]);
  expect(bed.done).toEqual(['stop-machine', 'remove-path', 'sync-ports', 'release-leases']);
});

test('a new operation has to wait until an interrupted one of its VM is undone', async () => {
  const left = await bed.doomed().beginJournal(factsOf('vm.create'), web);
  await left.step('start', stop, nothing);
  await expect(bed.store.beginJournal(factsOf('vm.start'), web)).rejects.toMatchObject({
    code: 'conflict',
    message: 'vm.create of VM web was interrupted and is not undone yet',
    hint: 'Undo it: clonebox recover web',
  });
  const other = await bed.store.beginJournal(factsOf('vm.start'), db);
  expect(await other.step('start', stop, async () => 'runs')).toBe('runs');
  await bed.store.recover(web, io);
  const next = await bed.store.beginJournal(factsOf('vm.start'), web);
  expect(await next.step('start', stop, async () => 'runs')).toBe('runs');
});

test('one that has ended, or is still going on, keeps no other operation from its VM', async () => {
  const ended = await bed.doomed().beginJournal(factsOf(), web);
  await ended.step('start', stop, nothing);
  await ended.commit();
  const outer = await bed.store.beginJournal(factsOf(), web);
  await outer.step('lease', release, nothing);
  const part = await bed.store.beginJournal(factsOf('vm.start'), web);
  await part.step('start', stop, nothing);
  await part.rollback(io);
  expect(bed.done).toEqual(['stop-machine']);
});

test('what was there before the operation cannot be given to an undo', async () => {
  await makeWeb();
  const journal = await bed.store.beginJournal(factsOf(), web);
  let ran = false;
  const step = journal.step('make it', removeWeb(), async () => {
    ran = true;
  });
  await expect(step).rejects.toMatchObject({ code: 'conflict' });
  expect(ran).toBe(false);
  await journal.rollback(io);
  expect(await bed.store.names()).toEqual(['web']);
});

test('what the operation made itself may be made again by a later step', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  const { disk } = bed.paths.vm(web);
  await journal.step('make it', removeWeb(), makeWeb);
  const write = async () => writeFileSync(disk, '');
  await journal.step('disk', { kind: 'remove-path', path: disk }, write);
  await journal.step('disk again', { kind: 'remove-path', path: disk }, write);
  await journal.rollback(io);
  expect(await bed.store.names()).toEqual([]);
});

test('what is in the runtime directory may be removed whoever made it', async () => {
  const path = bed.paths.runtimeOf(web);
  mkdirSync(path, { recursive: true });
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.step('sockets', { kind: 'remove-path', path }, nothing);
  await journal.rollback(io);
  expect(await bed.host.files.facts(path)).toBeUndefined();
});

test('an undo outside our directories is refused before anything is written', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  const undo: Undo = { kind: 'remove-path', path: '/etc/passwd' };
  await expect(journal.step('x', undo, nothing)).rejects.toMatchObject({ code: 'refused' });
  expect(bed.journals()).toEqual([]);
});

/** A host whose appends fail once `isFull`, after a part of the line is on the disk, and cannot be cut off there. */
function filling(part: (line: string) => string, canTruncate = true) {
  const disk = { isFull: false };
  const { files } = bed.host;
  const host: Host = {
    ...bed.host,
    files: {
      ...files,
      appendSynced: async (path, line) => {
        await files.appendSynced(path, disk.isFull ? part(line) : line);
        if (disk.isFull) throw full;
      },
      truncate: canTruncate ? files.truncate : () => Promise.reject(full),
    },
  };
  return { disk, store: bed.on(host) };
}

test.each([
  ['is cut off', true],
  ['stays', false],
])(
  'when a step cannot be written it does not run, nor any after it, and its line %s',
  async (_, canTruncate) => {
    const { disk, store } = filling((line) => line.slice(0, 5), canTruncate);
    const journal = await store.beginJournal(factsOf(), web);
    await journal.step('make it', removeWeb(), makeWeb);
    disk.isFull = true;
    const never = () => Promise.reject(new Error('it ran'));
    await expect(journal.step('start', stop, never)).rejects.toBe(full);
    disk.isFull = false;
    await expect(journal.step('start', stop, never)).rejects.toBe(full);
    await expect(journal.commit()).rejects.toBe(full);
    expect(await journal.rollback(io)).toEqual([]);
    expect(bed.done).toEqual(['remove-path']);
  },
);

test('an end that failed to be synced is not taken for one when the process dies in its rollback', async () => {
  const { disk, store } = filling((line) => line);
  const journal = await store.beginJournal(factsOf(), web);
  await journal.step('make it', removeWeb(), makeWeb);
  disk.isFull = true;
  await expect(journal.commit()).rejects.toBe(full);
  expect(bed.lines(journal.id)).toMatchObject([{ vm: 'web' }, { title: 'make it' }]);
});
