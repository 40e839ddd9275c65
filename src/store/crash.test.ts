import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CrashWorld,
  createCrashWorld,
  type Failures,
  type WorldStep,
} from '../../test/fixtures/crash-world.ts';
import { type Mortal, mortal } from '../../test/fixtures/mortal-host.ts';
import { factsOf } from '../../test/fixtures/store-bed.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { parseVmName, type VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Finish, Journal, OperationFacts, Store } from '../core/store.ts';
import { createAudit } from './audit/audit.ts';
import { parseJournal } from './journal-file.ts';

// Two operations, their steps interleaved: one makes VM `one`, the other changes VM `two`. They are committed, give up,
// or decide; what undoes and finishes fails some times before it works. The process dies at any point of its work, in
// the middle of a write too, and so do those that recover.

const io = quietIo();
const names = [parseVmName('one'), parseVmName('two')] as const;

interface Entry extends Omit<WorldStep, 'kind'> {
  readonly of: 0 | 1;
  readonly kind: WorldStep['kind'] | 'commit' | 'throw' | 'finish';
}

/** An operation, as far as its process came. */
interface Running {
  readonly facts: OperationFacts;
  readonly name: VmName;
  readonly journal: Journal;
  /** What its steps would have made. */
  readonly effects: string[];
  decided: 'no' | 'perhaps' | 'yes';
  isOver: boolean;
  /** It may have told its failure itself although it was decided. */
  gaveUp: boolean;
}

let world: CrashWorld;

/** What an operation does to end itself, as ops/operation.ts does. */
async function end(
  { facts, journal }: Running,
  host: Host,
  outcome: 'success' | 'failure',
): Promise<void> {
  const error = outcome === 'success' ? null : { code: 'bug', message: 'no' };
  const time = new Date(host.now()).toISOString();
  const audit = createAudit({ host, paths: world.bed.paths });
  await audit.append({ ...facts, outcome, error, time, durationMs: 0 }, io);
  await journal.close();
}

async function giveUp(run: Running, host: Host): Promise<void> {
  run.gaveUp = run.decided === 'yes';
  await run.journal.rollback(io);
  await end(run, host, 'failure');
}

async function perform(run: Running, entry: Entry, process: Mortal, failures: Failures) {
  const { journal, name, effects } = run;
  const { host } = process;
  switch (entry.kind) {
    case 'commit':
      run.isOver = true;
      run.decided = 'perhaps';
      await journal.commit();
      run.decided = 'yes';
      return end(run, host, 'success');
    case 'throw':
      run.isOver = true;
      return giveUp(run, host);
    case 'finish': {
      run.isOver = true;
      run.decided = 'perhaps';
      effects.push(`finished ${name}`, `${name}/finished: whole`);
      const finish: Finish = { kind: 'stop-machine', driver: 'qemu', name, grace: 0 };
      try {
        await journal.finish('finish', finish, async () => {
          run.decided = 'yes';
          if (failures.finish-- > 0) throw new CloneboxError('guest-failed', 'flaky');
          await world.performFinish(process, name);
        });
      } catch (error) {
        if (!isCloneboxError(error, 'guest-failed')) throw error;
        return giveUp(run, host);
      }
      return end(run, host, 'success');
    }
    default: {
      const { undo, effect, action } = world.stepOf(process, name, {
        kind: entry.kind,
        file: entry.file,
      });
      effects.push(effect);
      await journal.step(entry.kind, undo, action);
    }
  }
}

async function operate(
  process: Mortal,
  { script, failures, runs }: { script: readonly Entry[]; failures: Failures; runs: Running[] },
): Promise<void> {
  const store = world.storeOf(process, failures);
  for (const name of names) {
    const facts = factsOf('vm.update', { target: { type: 'vm', name } });
    const journal = await store.beginJournal(facts, name);
    const run: Running = {
      ...{ facts, name, journal, effects: [] },
      ...{ decided: 'no', isOver: false, gaveUp: false },
    };
    runs.push(run);
    const { directory } = world.bed.paths.vm(name);
    if (existsSync(directory)) continue;
    run.effects.push(name);
    await journal.step('directory', { kind: 'remove-path', path: directory }, () =>
      process.host.files.makeDirectory(directory),
    );
  }
  for (const entry of script) {
    const run = runs[entry.of];
    if (run !== undefined && !run.isOver) await perform(run, entry, process, failures);
  }
}

/** Recovers all; true when nothing is left to do. */
async function recoverAll(store: Store): Promise<boolean> {
  let isDone = true;
  for (const name of names) {
    try {
      await store.recover(name, io);
    } catch (error) {
      if (!isCloneboxError(error, 'conflict')) throw error;
      isDone = false;
    }
  }
  return isDone;
}

/** What a crash left of an operation, which says what recovery has to tell. */
function leftOf({ facts }: Running): 'nothing' | 'told' | 'open' | 'ended' {
  const file = `${world.bed.paths.journal}/${facts.id}.jsonl`;
  const content = existsSync(file) ? parseJournal(readFileSync(file, 'utf8')) : undefined;
  if (content !== undefined) return content.ended === undefined ? 'open' : 'ended';
  const log = existsSync(world.bed.paths.auditFile)
    ? readFileSync(world.bed.paths.auditFile, 'utf8')
    : '';
  return log.includes(`"id":"${facts.id}"`) ? 'told' : 'nothing';
}

/** Checks the lines of the audit log about an operation; true when it is to be complete. */
function checkTold(run: Running, left: ReturnType<typeof leftOf>): boolean {
  const { facts, decided, gaveUp } = run;
  const told = world.bed.told();
  const own = told.filter(({ id }) => id === facts.id);
  const recoveries = told.filter(({ parent }) => parent === facts.id);
  expect(own).toHaveLength(left === 'nothing' ? 0 : 1);
  expect(recoveries).toHaveLength(left === 'open' ? 1 : 0);
  if (left === 'nothing') {
    // Without a step there is no journal: who dies before the line in the audit log had made nothing.
    if (decided === 'yes') expect(run.effects).toEqual([]);
    return false;
  }
  const isSuccess = own[0]?.outcome === 'success';
  if (decided === 'perhaps') return isSuccess;
  const isComplete = decided === 'yes';
  expect(isComplete ? isSuccess || gaveUp : !isSuccess).toBe(true);
  if (left === 'open') {
    expect(recoveries).toMatchObject([
      { event: 'system.recover', details: { way: isComplete ? 'finished' : 'undone' } },
    ]);
  }
  return isComplete;
}

function expectNoDrafts(): void {
  const { home, journal, auditFile } = world.bed.paths;
  for (const directory of [home, journal, dirname(auditFile)].filter(existsSync)) {
    expect(readdirSync(directory).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
  }
}

const entry: fc.Arbitrary<Entry> = fc.record({
  of: fc.constantFrom(0, 1),
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constant('file') },
    { weight: 3, arbitrary: fc.constantFrom('machine', 'leases') },
    { weight: 2, arbitrary: fc.constantFrom('commit', 'throw', 'finish') },
  ),
  file: fc.constantFrom('key', 'seed.iso', 'serial.log'),
});
const times = fc.nat(2);

test('after a crash at any moment, each operation is complete or never was, and told once', {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc
      .asyncProperty(
        fc.array(entry, { maxLength: 9 }),
        fc.nat(110),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.record({
          'remove-path': times,
          'stop-machine': times,
          'release-leases': times,
          finish: times,
        }),
        fc.array(fc.nat(40), { maxLength: 2 }),
        async (script, dieAt, share, counts, deaths) => {
          const failures = { ...counts };
          const before = world.everything();
          const runs: Running[] = [];
          const process = mortal(world.bed.host, dieAt, share);
          await process.outlives(operate(process, { script, failures, runs }));
          const left = runs.map(leftOf);

          for (const death of deaths) {
            const other = mortal(world.bed.host, death, share);
            await other.outlives(recoverAll(world.storeOf(other, failures)));
          }
          const store = world.storeOf({ host: world.bed.host, point: async () => {} }, failures);
          let tries = 0;
          while (!(await recoverAll(store))) expect(tries++).toBeLessThan(12);

          const after = new Set(before);
          runs.forEach((run, index) => {
            const isComplete = checkTold(run, left[index] ?? 'nothing');
            for (const effect of isComplete ? run.effects : []) after.add(effect);
          });
          expect(world.everything()).toEqual([...after].sort());
          expect(await store.unfinished()).toEqual([]);
          expect(world.bed.journals()).toEqual([]);
          expectNoDrafts();
        },
      )
      .beforeEach(() => {
        world = createCrashWorld();
      })
      .afterEach(() => world.bed.remove()),
    { numRuns: 120 },
  );
});
