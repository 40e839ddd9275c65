import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mortal } from '../../test/fixtures/mortal-host.ts';
import {
  createStoreBed,
  factsOf,
  recordOf,
  type StoreBed,
  web,
} from '../../test/fixtures/store-bed.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Finish, Undo } from '../core/store.ts';

// A decision: what is written down before it is done, and goes forward only from then on.

const io = quietIo();
const stop: Undo = { kind: 'stop-machine', driver: 'qemu', name: web };
const turnOff: Finish = { kind: 'stop-machine', driver: 'qemu', name: web, grace: 0 };
const write: Finish = { kind: 'write-record', record: recordOf(web) };
const nothing = async () => {};
const no = () => Promise.reject(new CloneboxError('guest-failed', 'no'));

let bed: StoreBed;
beforeEach(() => {
  bed = createStoreBed();
});
afterEach(() => bed.remove());

test('a decision is on disk before it is done, and the end after it', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.step('lease', { kind: 'release-leases', name: web }, nothing);
  const seen = await journal.finish('off', turnOff, async () => bed.lines(journal.id));
  expect(seen.slice(1)).toMatchObject([{ title: 'lease' }, { title: 'off', finish: turnOff }]);
  expect(bed.lines(journal.id).at(-1)).toEqual({ ended: { outcome: 'success', error: null } });
  await journal.commit();
  expect(await journal.rollback(io)).toEqual([]);
  expect(bed.done).toEqual([]);
  await journal.close();
  expect(bed.journals()).toEqual([]);
});

test('a decision may be all there is, and needs no VM', async () => {
  const journal = await bed.store.beginJournal(factsOf('config.create'));
  expect(await journal.finish('off', turnOff, async () => 'done')).toBe('done');
  expect(bed.lines(journal.id)).toHaveLength(3);
});

test('what fails after the decision is not undone but finished by the next recover', async () => {
  const journal = await bed.store.beginJournal(factsOf('vm.stop'), web);
  await journal.step('lease', { kind: 'release-leases', name: web }, nothing);
  await expect(journal.finish('off', turnOff, no)).rejects.toThrow('no');
  expect(await journal.rollback(io)).toEqual([
    'off: the next command on it brings this to its end',
  ]);
  await journal.close();
  expect(bed.done).toEqual([]);
  expect(await bed.store.unfinished(web)).toMatchObject([
    { id: journal.id, operation: 'vm.stop', lastStep: 'off', way: 'finish' },
  ]);
  await expect(bed.store.beginJournal(factsOf(), web)).rejects.toMatchObject({ code: 'conflict' });

  bed.failing.add('stop-machine');
  for (const _ of [1, 2]) {
    await expect(bed.store.recover(web, io)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('off: stop-machine failed'),
      cause: { code: 'hypervisor-failed' },
    });
    expect(await bed.store.unfinished(web)).toHaveLength(1);
  }
  bed.failing.clear();
  expect(await bed.store.recover(web, io)).toMatchObject([{ id: journal.id, way: 'finish' }]);
  expect(bed.done).toEqual(['stop-machine']);
  expect(bed.journals()).toEqual([]);
  expect(await bed.store.recover(web, io)).toEqual([]);
});

test('what is decided and failed cannot be committed as if it were done', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await expect(journal.finish('off', turnOff, no)).rejects.toThrow('no');
  await expect(journal.commit()).rejects.toMatchObject({ code: 'bug' });
  await journal.rollback(io);
  expect(await bed.store.unfinished(web)).toMatchObject([{ way: 'finish' }]);
});

test('nothing can be done after a decision', async () => {
  const journal = await bed.store.beginJournal(factsOf(), web);
  await journal.finish('off', turnOff, nothing);
  await expect(journal.step('start', stop, nothing)).rejects.toMatchObject({ code: 'bug' });
  await expect(journal.finish('off', turnOff, nothing)).rejects.toMatchObject({ code: 'bug' });
});

test.each([5, 10_000])(
  'a decision that cannot be written is none, with %i of its bytes on disk',
  async (bytes) => {
    const full = new CloneboxError('host-unable', 'the disk is full');
    const { files } = bed.host;
    const host: Host = {
      ...bed.host,
      files: {
        ...files,
        appendSynced: async (path, line) => {
          const isDecision = line.includes('"finish"');
          await files.appendSynced(path, isDecision ? line.slice(0, bytes) : line);
          if (isDecision) throw full;
        },
      },
    };
    const journal = await bed.on(host).beginJournal(factsOf(), web);
    await journal.step('start', stop, nothing);
    let ran = false;
    const decided = journal.finish('its record', write, async () => {
      ran = true;
    });
    await expect(decided).rejects.toBe(full);
    expect(ran).toBe(false);
    expect(bed.lines(journal.id)).toMatchObject([{ vm: 'web' }, { title: 'start' }]);
    expect(await journal.rollback(io)).toEqual([]);
    expect(bed.done).toEqual(['stop-machine']);
  },
);

test('killed at any point, an operation with a decision was never there or is complete', {
  timeout: 60_000,
}, async () => {
  const ends = new Set<string>();
  for (let dieAt = 0, lived = false; !lived; dieAt++) {
    bed.remove();
    bed = createStoreBed();
    const process = mortal(bed.host, dieAt, 0.5);
    const store = bed.on(process.host);
    const work = async () => {
      const journal = await store.beginJournal(factsOf(), web);
      const { directory } = bed.paths.vm(web);
      await journal.step('directory', { kind: 'remove-path', path: directory }, async () =>
        process.host.files.makeDirectory(directory),
      );
      await journal.finish('its record', write, () => store.write(recordOf(web)));
      await journal.close();
    };
    lived = await process.outlives(work());
    await bed.store.recover(web, io);
    const record = await bed.store.read(web);
    const names = await bed.store.names();
    expect([names, record], `died at ${dieAt}`).toEqual(
      record === undefined ? [[], undefined] : [['web'], recordOf(web)],
    );
    ends.add(record === undefined ? 'untouched' : 'complete');
    expect(bed.journals()).toEqual([]);
    if (lived) expect(dieAt).toBeGreaterThan(10);
  }
  expect([...ends]).toEqual(['untouched', 'complete']);
});

test('a finish handler that dies anywhere is called again', async () => {
  for (let dieAt = 0, lived = false; !lived; dieAt++) {
    bed.remove();
    bed = createStoreBed();
    const journal = await bed.doomed().beginJournal(factsOf(), web);
    mkdirSync(bed.paths.vm(web).directory, { recursive: true });
    await expect(journal.finish('its record', write, no)).rejects.toThrow('no');
    const process = mortal(bed.host, dieAt, 0.5);
    lived = await process.outlives(bed.on(process.host).recover(web, io));
    await bed.store.recover(web, io);
    expect(await bed.store.read(web)).toEqual(recordOf(web));
    expect(bed.journals()).toEqual([]);
    expect(bed.told().map(({ event }) => event)).toEqual(['vm.create', 'system.recover']);
    if (lived) expect(dieAt).toBeGreaterThan(10);
  }
}, 60_000);
