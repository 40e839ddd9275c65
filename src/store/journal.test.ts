import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths, Store, Undo } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { createStore } from './store.ts';
import { removePathUndo } from './undo-path.ts';

const web = parseVmName('web');
const db = parseVmName('db');
const io = quietIo();
const stop: Undo = { kind: 'stop-machine', driver: 'qemu', name: web };
const release: Undo = { kind: 'release-leases', name: web };

let host: Host;
let paths: Paths;
let store: Store;
let undone: string[];
let failing: Set<string>;
beforeEach(() => {
  host = createHost({ CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) });
  paths = createPaths(host);
  undone = [];
  failing = new Set();
  store = storeOn(host);
});
afterEach(() => rmSync(paths.home, { recursive: true }));

function storeOn(host: Host): Store {
  const record = async ({ kind }: Undo) => {
    if (failing.has(kind)) throw new CloneboxError('hypervisor-failed', `${kind} failed`);
    undone.push(kind);
  };
  const removePath = removePathUndo(host, paths);
  return createStore({
    host,
    paths,
    undoHandlers: {
      'remove-path': async (undo) => {
        await record(undo);
        await removePath(undo);
      },
      'stop-machine': record,
      'release-leases': record,
      'restore-vm': record,
    },
  });
}

/** A store whose process is taken for dead by every other. */
const doomed = () => storeOn({ ...host, processRef: async (pid) => ({ pid, startTime: 1 }) });
const journals = () => readdirSync(paths.journal).sort();
const lines = (id: string) =>
  readFileSync(`${paths.journal}/${id}.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const removeWeb = (): Undo => ({ kind: 'remove-path', path: paths.vm(web).directory });
const makeWeb = async () => mkdirSync(paths.vm(web).directory, { recursive: true });

test('a step is on disk, with its undo, before it runs', async () => {
  const journal = await store.beginJournal('clone', web);
  const seen = await journal.step('start the machine', stop, async () => lines(journal.id));
  expect(seen).toMatchObject([
    { operation: 'clone', vm: 'web', pid: process.pid },
    { title: 'start the machine', undo: stop },
  ]);
});

test('what a full disk keeps from being undone is tried again once files are removed', async () => {
  let room = false;
  const handlers = {
    'remove-path': async () => {
      undone.push('remove-path');
      room = true;
    },
    'stop-machine': async () => void undone.push('stop-machine'),
    'release-leases': async () => {
      if (!room) throw new CloneboxError('host-unable', 'the disk is full');
      undone.push('release-leases');
    },
    'restore-vm': async () => void undone.push('restore-vm'),
  };
  const journal = await createStore({ host, paths, undoHandlers: handlers }).beginJournal(
    'replace',
    web,
  );
  const aside: Undo = { kind: 'restore-vm', from: `${paths.trash}/web-x`, name: web };
  await journal.step('aside', aside, async () => {});
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.step('its ports', release, async () => {});
  await journal.step('start it', stop, async () => {});
  expect(await journal.rollback(io)).toEqual([]);
  expect(undone).toEqual(['stop-machine', 'remove-path', 'release-leases', 'restore-vm']);
  expect(journals()).toEqual([]);
});

test('ids sort by time', async () => {
  const ids: string[] = [];
  for (const time of [9, 10, 1000, 1e12]) {
    const at = storeOn({ ...host, now: () => time });
    ids.push((await at.beginJournal('clone', web)).id);
  }
  expect(ids).toEqual([...ids].sort());
  for (const id of ids) expect(id).toMatch(/^\d{8}T\d{9}Z-[0-9a-f]{8}$/);
});

test('what is committed is never undone, and leaves no file', async () => {
  const journal = await store.beginJournal('clone', web);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.commit();
  expect(await journal.rollback(io)).toEqual([]);
  expect(undone).toEqual([]);
  expect(journals()).toEqual([]);
});

test('rollback undoes last in first out, also with an aborted signal, and leaves no file', async () => {
  const journal = await store.beginJournal('clone', web);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.step('lease', release, async () => {});
  await expect(
    journal.step('start', stop, async () => {
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(await journal.rollback({ ...io, signal: AbortSignal.abort() })).toEqual([]);
  expect(undone).toEqual(['stop-machine', 'release-leases', 'remove-path']);
  expect(await store.names()).toEqual([]);
  expect(journals()).toEqual([]);
});

test('what cannot be undone is told, does not stop the rest, and is kept for later', async () => {
  failing.add('stop-machine');
  const journal = await store.beginJournal('clone', web);
  await journal.step('make it', removeWeb(), makeWeb);
  await journal.step('start', stop, async () => {});
  expect(await journal.rollback(io)).toEqual(['start: stop-machine failed']);
  expect(await store.names()).toEqual([]);
  expect(lines(journal.id)).toMatchObject([
    { operation: 'clone', abandoned: true },
    { title: 'start', undo: stop, failed: 'stop-machine failed' },
  ]);

  expect(await store.unfinished()).toEqual([
    { id: journal.id, operation: 'clone', vm: 'web', lastStep: 'start' },
  ]);
  await expect(store.recover(web, io)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('start: stop-machine failed'),
    cause: { code: 'hypervisor-failed' },
  });
  failing.clear();
  expect(await store.recover(web, io)).toMatchObject([{ id: journal.id }]);
  expect(journals()).toEqual([]);
});

test('a VM does not come back from the trash before what took its place is gone', async () => {
  failing.add('stop-machine');
  const journal = await store.beginJournal('replace', web);
  const from = store.trashPlace(web);
  await journal.step('aside', { kind: 'restore-vm', from, name: web }, async () => {});
  await journal.step('start', stop, async () => {});
  expect(await journal.rollback(io)).toEqual([
    'start: stop-machine failed',
    'aside: what came after it must be undone first',
  ]);
  expect(undone).toEqual([]);
  failing.clear();
  await store.recover(web, io);
  expect(undone).toEqual(['stop-machine', 'restore-vm']);
});

test('what is undone leaves the journal before the next step is undone', async () => {
  const journal = await doomed().beginJournal('clone', web);
  await journal.step('lease', release, async () => {});
  await journal.step('start', stop, async () => {});
  failing.add('release-leases');
  await expect(store.recover(web, io)).rejects.toThrow();
  expect(lines(journal.id).map((line) => line.title)).toEqual([undefined, 'lease']);
});

test('a living operation is not unfinished, a dead one is, and only of its own VM', async () => {
  await store.beginJournal('clone', web);
  const dead = await doomed().beginJournal('start', db);
  expect(await store.unfinished()).toMatchObject([{ id: dead.id, lastStep: 'begin' }]);
  expect(await store.unfinished(web)).toEqual([]);
  expect(await store.recover(web, io)).toEqual([]);
  expect(await store.recover(db, io)).toMatchObject([{ id: dead.id }]);
});

test('recovery takes the newest operation first', async () => {
  const clone = await doomed().beginJournal('clone', web);
  await clone.step('lease', release, async () => {});
  const at = { ...host, now: () => Date.now() + 1000 };
  const start = await storeOn({
    ...at,
    processRef: async (pid) => ({ pid, startTime: 1 }),
    isAlive: async () => true,
  }).beginJournal('start', web);
  await start.step('start', stop, async () => {});
  expect(await store.recover(web, io)).toMatchObject([
    { operation: 'start' },
    { operation: 'clone' },
  ]);
  expect(undone).toEqual(['stop-machine', 'release-leases']);
});

test('a new operation has to wait until an interrupted one of its VM is undone', async () => {
  await doomed().beginJournal('clone', web);
  await expect(store.beginJournal('start', web)).rejects.toMatchObject({
    code: 'conflict',
    hint: 'Undo it: clonebox recover web',
  });
  await store.beginJournal('start', db);
  await store.recover(web, io);
  await store.beginJournal('start', web);
});

test('a journal that was committed but not removed is removed, not undone', async () => {
  const journal = await doomed().beginJournal('clone', web);
  await journal.step('lease', release, async () => {});
  const file = `${paths.journal}/${journal.id}.jsonl`;
  writeFileSync(file, '{"committed":"now"}\n', { flag: 'a' });
  expect(await store.recover(web, io)).toEqual([]);
  expect(undone).toEqual([]);
  expect(journals()).toEqual([]);
});

test('an undo of a kind this CloneBox does not know is kept and told', async () => {
  const journal = await doomed().beginJournal('clone', web);
  const line = '{"title":"x","undo":{"kind":"remove-moon"}}\n';
  writeFileSync(`${paths.journal}/${journal.id}.jsonl`, line, { flag: 'a' });
  await expect(store.recover(web, io)).rejects.toThrow('remove-moon');
  expect(lines(journal.id)).toContainEqual(JSON.parse(line));
});

test('what was there before the operation cannot be given to an undo', async () => {
  await makeWeb();
  const journal = await store.beginJournal('clone', web);
  let ran = false;
  const step = journal.step('make it', removeWeb(), async () => {
    ran = true;
  });
  await expect(step).rejects.toMatchObject({ code: 'conflict' });
  expect(ran).toBe(false);
  await journal.rollback(io);
  expect(await store.names()).toEqual(['web']);
});

test('what the operation made itself may be made again by a later step', async () => {
  const journal = await store.beginJournal('clone', web);
  const disk = paths.vm(web).disk;
  await journal.step('make it', removeWeb(), makeWeb);
  const write = async () => writeFileSync(disk, '');
  await journal.step('disk', { kind: 'remove-path', path: disk }, write);
  await journal.step('disk again', { kind: 'remove-path', path: disk }, write);
  await journal.rollback(io);
  expect(await store.names()).toEqual([]);
});

test('an undo outside our directories is refused before the step is written', async () => {
  const journal = await store.beginJournal('clone', web);
  const undo: Undo = { kind: 'remove-path', path: '/etc/passwd' };
  await expect(journal.step('x', undo, async () => {})).rejects.toMatchObject({ code: 'refused' });
  expect(lines(journal.id)).toHaveLength(1);
});

test('when a step cannot be written it does not run, nor does any after it', async () => {
  const full = new CloneboxError('host-unable', 'the disk is full');
  let isFull = false;
  const files = {
    ...host.files,
    appendSynced: async (path: string, line: string) => {
      await host.files.appendSynced(path, isFull ? line.slice(0, 5) : line);
      if (isFull) throw full;
    },
  };
  const journal = await storeOn({ ...host, files }).beginJournal('clone', web);
  await journal.step('make it', removeWeb(), makeWeb);
  isFull = true;
  await expect(journal.step('start', stop, async () => {})).rejects.toBe(full);
  isFull = false;
  await expect(journal.step('start', stop, async () => {})).rejects.toMatchObject({ code: 'bug' });
  expect(await journal.rollback(io)).toEqual([]);
  expect(undone).toEqual(['remove-path']);
});
