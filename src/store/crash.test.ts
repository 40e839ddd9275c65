import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { parseVmName, type VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Journal, Paths, Store, Undo } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { createStore } from './store.ts';
import { restoreVmUndo } from './trash.ts';
import { removePathUndo } from './undo-path.ts';
import type { UndoHandlers } from './undo-steps.ts';

// Two operations, their steps interleaved: one makes VM `one`, the other puts a new VM `two` in the place of an old
// one. The process dies after any byte of its journals or in the middle of a step, and those that recover die too.

const io = quietIo();
const names = [parseVmName('one'), parseVmName('two')] as const;
const old = parseVmName('old');

let host: Host;
let paths: Paths;
/** What is not a file: machines that run, VMs that hold leases. */
let outside: Set<string>;
beforeEach(() => {
  host = createHost({ CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) });
  paths = createPaths(host);
});
afterEach(() => rmSync(paths.home, { recursive: true }));

function begin(): void {
  rmSync(paths.home, { recursive: true, force: true });
  outside = new Set(['machine old', 'leases old']);
  mkdirSync(paths.vm(old).directory, { recursive: true });
  writeFileSync(paths.vm(old).disk, 'precious');
  mkdirSync(paths.vm(names[1]).directory);
  writeFileSync(paths.vm(names[1]).disk, 'replaced');
}

function world(): string[] {
  const files = [paths.vms, paths.trash].flatMap((root) =>
    (existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : []).map(
      (path) => {
        const at = join(root, path);
        const known = path.replace(/-[0-9T:.-]+Z/, '-then');
        return statSync(at).isDirectory() ? known : `${known}: ${readFileSync(at, 'utf8')}`;
      },
    ),
  );
  return [...files, ...outside].sort();
}

type Step =
  | { readonly of: 0 | 1; readonly kind: 'file'; readonly file: string }
  | { readonly of: 0 | 1; readonly kind: 'machine' | 'leases' | 'commit' };

function undoOf(step: Step, name: VmName): Undo {
  switch (step.kind) {
    case 'file':
      return { kind: 'remove-path', path: `${paths.vm(name).directory}/${step.file}` };
    case 'machine':
      return { kind: 'stop-machine', driver: 'qemu', name };
    default:
      return { kind: 'release-leases', name };
  }
}

class Crash extends Error {}

/** Does a step; `half` dies before its end. */
function perform(step: Step, name: VmName, half: boolean): void {
  if (step.kind !== 'file') outside.add(`${step.kind} ${name}`);
  else writeFileSync(`${paths.vm(name).directory}/${step.file}`, half ? '' : 'whole');
  if (half) throw new Crash();
}

/**
 * A store of a process that dies once `bytes` bytes are in its journals; every other takes it for dead. Tells
 * which journals were committed by then.
 */
function doomedStore(bytes: number, committed: Set<string>): Store {
  let left = bytes;
  const appendSynced = async (path: string, line: string) => {
    await host.files.appendSynced(path, line.slice(0, left));
    if (line.startsWith('{"committed"') && line.length <= left) committed.add(path);
    left -= line.length;
    if (left <= 0) throw new Crash();
  };
  return createStore({
    host: {
      ...host,
      files: { ...host.files, appendSynced },
      processRef: async (pid) => ({ pid, startTime: 1 }),
      isAlive: async () => true,
    },
    paths,
    undoHandlers: handlers(),
  });
}

/** The undo handlers; `point` is called before and after what each does. */
function handlers(point: () => void | Promise<void> = () => {}): UndoHandlers {
  const around = <T>(undo: (data: T, io: Io) => Promise<void> | void) => {
    return async (data: T, io: Io) => {
      await point();
      await undo(data, io);
      await point();
    };
  };
  return {
    'remove-path': around(removePathUndo(host, paths)),
    'restore-vm': around(restoreVmUndo(host, paths)),
    'stop-machine': around(({ name }) => void outside.delete(`machine ${name}`)),
    'release-leases': around(({ name }) => void outside.delete(`leases ${name}`)),
  };
}

/** Runs the steps until the crash, and returns the journals it opened. */
async function operate(store: Store, steps: readonly Step[], halfAt: number): Promise<Journal[]> {
  const journals: Journal[] = [];
  try {
    for (const name of names) {
      const journal = await store.beginJournal('clone', name);
      const { directory } = paths.vm(name);
      journals.push(journal);
      if (existsSync(directory)) {
        const from = store.trashPlace(name);
        await journal.step('aside', { kind: 'restore-vm', from, name }, () =>
          store.trash(name, from),
        );
      }
      await journal.step('directory', { kind: 'remove-path', path: directory }, async () => {
        mkdirSync(directory);
      });
    }
    const done = new Set<number>();
    for (const [index, step] of steps.entries()) {
      const name = names[step.of];
      if (done.has(step.of)) continue;
      if (step.kind === 'commit') {
        await journals[step.of]?.commit();
        done.add(step.of);
        continue;
      }
      await journals[step.of]?.step(step.kind, undoOf(step, name), async () => {
        perform(step, name, index === halfAt);
      });
    }
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  return journals;
}

/** Recovers in a process that dies at a point of its undoing, where it hangs like one that was killed. */
async function recoverHalf(dieAt: number): Promise<void> {
  let calls = 0;
  await new Promise<void>((died, failed) => {
    const store = createStore({
      host,
      paths,
      undoHandlers: handlers(() => {
        if (calls++ < dieAt) return;
        died();
        return new Promise<void>(() => {});
      }),
    });
    recoverAll(store).then(died, failed);
  });
}

async function recoverAll(store: Store): Promise<void> {
  for (const name of names) await store.recover(name, io);
}

/** What the world looks like when each operation is either complete or never was. */
function expected(
  before: readonly string[],
  steps: readonly Step[],
  isCommitted: (of: number) => boolean,
): string[] {
  const after = new Set(before);
  for (const [of, name] of names.entries()) {
    if (!isCommitted(of)) continue;
    after.add(name);
    if (after.delete(`${name}/disk.qcow2: replaced`)) {
      after.add(`${name}-then`);
      after.add(`${name}-then/disk.qcow2: replaced`);
    }
    for (const step of steps) {
      if (step.of !== of) continue;
      if (step.kind === 'commit') break;
      after.add(step.kind === 'file' ? `${name}/${step.file}: whole` : `${step.kind} ${name}`);
    }
  }
  return [...after].sort();
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      of: fc.constantFrom(0, 1),
      kind: fc.constant('file'),
      file: fc.constantFrom('disk.qcow2', 'key', 'seed.iso'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ of: fc.constantFrom(0, 1), kind: fc.constantFrom('machine', 'leases') }),
  },
  { weight: 1, arbitrary: fc.record({ of: fc.constantFrom(0, 1), kind: fc.constant('commit') }) },
);

test('after a crash at any moment, each operation is complete or never was', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 10 }),
      fc.integer({ min: 1, max: 1600 }),
      fc.integer({ min: -10, max: 10 }),
      fc.array(fc.nat(12), { maxLength: 2 }),
      async (steps, bytes, halfAt, deaths) => {
        begin();
        const before = world();
        const committed = new Set<string>();
        const journals = await operate(doomedStore(bytes, committed), steps, halfAt);
        const isCommitted = (of: number) => {
          return committed.has(`${paths.journal}/${journals[of]?.id}.jsonl`);
        };
        for (const dieAt of deaths) await recoverHalf(dieAt);
        const store = createStore({ host, paths, undoHandlers: handlers() });
        await recoverAll(store);
        expect(world()).toEqual(expected(before, steps, isCommitted));
        expect(await store.unfinished()).toEqual([]);
        expect(readdirSync(paths.journal)).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});
