import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mortal } from '../../test/fixtures/mortal-host.ts';
import { createStoreBed, db, factsOf, type StoreBed, web } from '../../test/fixtures/store-bed.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Finish, Journal, OperationFacts, Undo } from '../core/store.ts';
import { newOperationId } from '../lib/operation-id.ts';

const io = quietIo();
const stop: Undo = { kind: 'stop-machine', driver: 'qemu', name: web };
const release: Undo = { kind: 'release-leases', name: web };
const off: Finish = { kind: 'stop-machine', driver: 'qemu', name: web, grace: 0 };
const nothing = async () => {};
const no = () => Promise.reject(new Error('no'));

let bed: StoreBed;
beforeEach(() => {
  bed = createStoreBed();
});
afterEach(() => bed.remove());

/** An operation whose process died after its first step. */
async function leave(event: OperationFacts['event'], vm?: VmName, store = bed.doomed()) {
  const facts = factsOf(event);
  const journal = await store.beginJournal(facts, vm);
  await journal.step('start', vm === undefined ? { kind: 'sweep-images' } : stop, nothing);
  return { facts, journal };
}

/** The end that `operations/operation.ts` gives an operation. */
async function tell(facts: OperationFacts, outcome: 'success' | 'failure' = 'success') {
  const error = outcome === 'success' ? null : { code: 'bug', message: 'no' };
  const time = new Date().toISOString();
  await bed.audit.append({ ...facts, outcome, error, time, durationMs: 7 }, io);
}

const append = (journal: Journal, line: string) =>
  writeFileSync(`${bed.paths.journal}/${journal.id}.jsonl`, line, { flag: 'a' });

const line = (facts: OperationFacts, outcome: string) => ({ ...facts, outcome });
const recoveryOf = (facts: OperationFacts, way: string) => ({
  id: expect.stringMatching(/^[0-9a-f]{16}$/),
  event: 'system.recover',
  outcome: 'success',
  parent: facts.id,
  correlation: facts.correlation,
  details: { operation: facts.event, way },
});

test('a living operation is not unfinished, a dead one is, and only of its own VM', async () => {
  await leave('vm.create', web, bed.store);
  const { journal } = await leave('vm.start', db);
  const dead = { id: journal.id, operation: 'vm.start', vm: 'db', lastStep: 'start', way: 'undo' };
  expect(await bed.store.unfinished()).toMatchObject([dead]);
  expect(await bed.store.unfinished(web)).toEqual([]);
  expect(await bed.store.recover(web, io)).toEqual([]);
  expect(await bed.store.recover(undefined, io)).toEqual([]);
  expect(await bed.store.recover(db, io)).toMatchObject([dead]);
});

test('what a crash left of no VM is recovered by itself', async () => {
  const { facts } = await leave('image.pull');
  await leave('vm.create', web);
  expect(await bed.store.unfinished()).toHaveLength(2);
  expect(await bed.store.recover(undefined, io)).toMatchObject([{ id: facts.id, vm: null }]);
  expect(bed.done).toEqual(['sweep-images']);
  expect(await bed.store.unfinished()).toMatchObject([{ vm: 'web' }]);
});

test('recovery takes the newest operation first', async () => {
  const make = (event: OperationFacts['event'], id: string, undo: Undo) => async () => {
    const host: Host = {
      ...bed.host,
      processRef: async (pid) => ({ pid, startTime: 1 }),
      isAlive: async () => true,
    };
    const journal = await bed.on(host).beginJournal(factsOf(event, { id }), web);
    await journal.step('x', undo, nothing);
  };
  await make('vm.create', newOperationId(1e12), release)();
  await make('vm.start', newOperationId(1e12 + 1), stop)();
  expect(await bed.store.recover(web, io)).toMatchObject([
    { operation: 'vm.start' },
    { operation: 'vm.create' },
  ]);
  expect(bed.done).toEqual(['stop-machine', 'release-leases']);
});

test('an operation that died gets its line in the audit log, and its recovery another', async () => {
  const { facts } = await leave('vm.create', web);
  await bed.store.recover(web, io);
  await bed.store.recover(web, io);
  expect(bed.told()).toMatchObject([
    { ...line(facts, 'failure'), error: { code: 'terminated' } },
    recoveryOf(facts, 'undone'),
  ]);
});

test('what had been decided is told as done', async () => {
  const facts = factsOf('vm.stop');
  const journal = await bed.doomed().beginJournal(facts, web);
  await expect(journal.finish('off', off, no)).rejects.toThrow('no');
  await bed.store.recover(web, io);
  expect(bed.told()).toMatchObject([
    { ...line(facts, 'success'), error: null },
    recoveryOf(facts, 'finished'),
  ]);
});

test('one that gave up told its own end: recovery only adds its own', async () => {
  bed.failing.add('stop-machine');
  const { facts, journal } = await leave('vm.create', web, bed.store);
  expect(await journal.rollback(io)).toHaveLength(1);
  await tell(facts, 'failure');
  await journal.close();
  bed.failing.clear();
  await bed.store.recover(web, io);
  expect(bed.told()).toMatchObject([
    { ...line(facts, 'failure'), durationMs: 7 },
    recoveryOf(facts, 'undone'),
  ]);
});

test('what cannot be undone yet is not told yet', async () => {
  bed.failing.add('stop-machine');
  const { facts } = await leave('vm.create', web);
  for (const _ of [1, 2]) {
    await expect(bed.store.recover(web, io)).rejects.toMatchObject({ code: 'conflict' });
  }
  expect(bed.told()).toEqual([]);
  bed.failing.clear();
  await bed.store.recover(web, io);
  expect(bed.told()).toMatchObject([line(facts, 'failure'), recoveryOf(facts, 'undone')]);
});

test('one that died after its end is told, once, and nothing is undone or finished', async () => {
  const { facts, journal } = await leave('vm.create', web);
  await journal.commit();
  expect(await bed.store.unfinished()).toEqual([]);
  expect(await bed.store.recover(web, io)).toEqual([]);
  expect(await bed.store.recover(web, io)).toEqual([]);
  expect(bed.told()).toMatchObject([line(facts, 'success')]);
  expect(bed.told()).toHaveLength(1);
  expect(bed.done).toEqual([]);
  expect(bed.journals()).toEqual([]);
});

test('one that died after its line is only put away', async () => {
  const { facts, journal } = await leave('vm.create', web);
  await journal.commit();
  await tell(facts);
  await bed.store.recover(web, io);
  expect(bed.told()).toMatchObject([{ ...line(facts, 'success'), durationMs: 7 }]);
  expect(bed.told()).toHaveLength(1);
  expect(bed.journals()).toEqual([]);
});

test('the end of an operation whose VM nobody asks for any more is told by any recovery', async () => {
  const { facts, journal } = await leave('vm.delete', web);
  await journal.commit();
  expect(await bed.store.recover(undefined, io)).toEqual([]);
  expect(bed.told()).toMatchObject([line(facts, 'success')]);
  expect(bed.journals()).toEqual([]);
});

test.each(['undone', 'finished'])(
  'a recovery that dies at any point is told once in the end: %s',
  async (way) => {
    for (let dieAt = 0, lived = false; !lived; dieAt++) {
      bed.remove();
      bed = createStoreBed();
      const { facts, journal } = await leave('vm.create', web);
      if (way === 'finished') await expect(journal.finish('off', off, no)).rejects.toThrow('no');
      const process = mortal(bed.host, dieAt, 0.7);
      lived = await process.outlives(bed.on(process.host).recover(web, io));
      await bed.store.recover(undefined, io);
      await bed.store.recover(web, io);
      expect(bed.told(), `died at ${dieAt}`).toMatchObject([
        line(facts, way === 'undone' ? 'failure' : 'success'),
        recoveryOf(facts, way),
      ]);
      expect(bed.told()).toHaveLength(2);
      expect(bed.journals()).toEqual([]);
      if (lived) expect(dieAt).toBeGreaterThan(10);
    }
  },
  60_000,
);

test('while the audit log cannot be written the journal stays', async () => {
  const { facts } = await leave('vm.create', web);
  const full = new CloneboxError('host-unable', 'the disk is full');
  const files = { ...bed.host.files, overwriteSynced: () => Promise.reject(full) };
  await expect(bed.on({ ...bed.host, files }).recover(web, io)).rejects.toBe(full);
  expect(bed.journals()).toHaveLength(1);
  expect(await bed.store.unfinished()).toEqual([]);
  await bed.store.recover(web, io);
  expect(bed.told()).toMatchObject([line(facts, 'failure'), recoveryOf(facts, 'undone')]);
  expect(bed.journals()).toEqual([]);
});

test('what is forgotten is not undone, but told', async () => {
  bed.failing.add('stop-machine');
  const { facts } = await leave('vm.create', web);
  await leave('vm.create', db);
  await bed.store.forget(web);
  expect(await bed.store.unfinished()).toMatchObject([{ vm: 'db' }]);
  expect(bed.told()).toMatchObject([line(facts, 'failure')]);
  expect(bed.told()).toHaveLength(1);
});

test('an undo of a kind this CloneBox does not know is kept and told, the rest is undone', async () => {
  const { journal } = await leave('vm.create', web);
  const unknown = '{"title":"x","undo":{"kind":"remove-moon"}}\n';
  append(journal, unknown);
  for (const _ of [1, 2]) await expect(bed.store.recover(web, io)).rejects.toThrow('remove-moon');
  expect(bed.done).toEqual(['stop-machine']);
  expect(bed.lines(journal.id)).toContainEqual(JSON.parse(unknown));
});

test.each(['{"title":"x","finish":{"kind":"to-the-moon"}}\n', '{"title":"x","fin\n'])(
  'nothing is undone where a decision may have been taken: %s',
  async (decision) => {
    const { journal } = await leave('vm.create', web);
    append(journal, decision);
    for (const _ of [1, 2]) {
      await expect(bed.store.recover(web, io)).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(decision.trim()),
      });
    }
    expect(bed.done).toEqual([]);
    await bed.store.forget(web);
    expect(bed.journals()).toEqual([]);
  },
);

test('a last line without its newline never was', async () => {
  const { journal } = await leave('vm.create', web);
  append(journal, '{"title":"its record","undo":{"kind":"release-le');
  expect(await bed.store.recover(web, io)).toMatchObject([{ lastStep: 'start' }]);
  expect(bed.done).toEqual(['stop-machine']);
});

test('what is no journal is left alone', async () => {
  await leave('vm.create', web);
  writeFileSync(`${bed.paths.journal}/notes.jsonl`, 'mine');
  writeFileSync(`${bed.paths.journal}/${newOperationId()}.jsonl`, '');
  await bed.store.recover(web, io);
  expect(bed.journals()).toHaveLength(2);
});

test('an interrupted recovery goes on later', async () => {
  await leave('vm.create', web);
  const signal = AbortSignal.abort(new CloneboxError('interrupted', 'by Ctrl-C'));
  await expect(bed.store.recover(web, { ...io, signal })).rejects.toMatchObject({
    code: 'interrupted',
  });
  expect(await bed.store.recover(web, io)).toHaveLength(1);
});
