import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { VmName } from '../core/name.ts';
import { uninterrupted } from '../core/quiet-io.ts';
import type { Journal, Paths, Undo } from '../core/store.ts';
import { formatLine, type JournalHeader, type JournalStep } from './journal-file.ts';
import { isInside } from './paths.ts';
import { checkRemovable } from './undo-path.ts';
import { removeJournal, type UndoHandlers, undoSteps } from './undo-steps.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
  readonly handlers: UndoHandlers;
}

/**
 * Opens the journal of an operation: its file is on disk, with this process in it, when this returns. `rollback`
 * is deaf to the abort of its `Io`, so that it may be called with the one that was interrupted; after `commit`
 * it does nothing. `step` fails with `refused` or `conflict`, before anything is written or done, when its undo
 * would remove what is not CloneBox's own or was there before.
 */
export async function openJournal(
  { host, paths, handlers }: Place,
  operation: string,
  vm: VmName,
): Promise<Journal> {
  const { files } = host;
  const started = new Date(host.now()).toISOString();
  const id = journalId(started);
  const file = `${paths.journal}/${id}.jsonl`;
  const header: JournalHeader = {
    operation,
    vm,
    pid: process.pid,
    startTime: (await host.processRef(process.pid))?.startTime ?? 0,
    command: commandLine(),
    started,
  };
  await files.makeDirectory(paths.journal, 0o700);
  await files.writeNew(file, formatLine(header));

  const steps: JournalStep[] = [];
  let state: 'open' | 'closed' | 'torn' = 'open';
  const append = async (line: string) => {
    try {
      await files.appendSynced(file, line);
    } catch (error) {
      // Half a line may be on disk, and another one behind it would be lost with it.
      state = 'torn';
      throw error;
    }
  };
  const expectOpen = () => {
    if (state === 'open') return;
    throw new CloneboxError('bug', `the journal of ${operation} ${vm} is ${state}`, {
      facts: { id },
    });
  };

  return {
    id,
    step: async (title, undo, action) => {
      expectOpen();
      await checkUndo({ host, paths }, steps, undo);
      const step: JournalStep = { title, undo };
      await append(formatLine(step));
      steps.push(step);
      return action();
    },
    commit: async () => {
      expectOpen();
      await append(formatLine({ committed: new Date(host.now()).toISOString() }));
      state = 'closed';
      // Committed is committed: a file that stays is removed by the next look for unfinished ones.
      await removeJournal(host, file).catch(() => {});
    },
    rollback: async (io) => {
      if (state === 'closed') return [];
      state = 'closed';
      const content = { header, steps, isCommitted: false, unreadable: [] };
      return (await undoSteps({ host, handlers, file }, content, uninterrupted(io))).failures;
    },
  };
}

/** An undo must not remove what was there before the operation: only what this very journal made. */
async function checkUndo(
  { host, paths }: { host: Host; paths: Paths },
  earlier: readonly JournalStep[],
  undo: Undo,
): Promise<void> {
  if (undo.kind !== 'remove-path') return;
  const { path } = undo;
  checkRemovable(paths, path);
  // What is in the runtime directory is worth nothing without its process.
  if (isInside(path, paths.runtime)) return;
  const isOwn = earlier.some(
    (step) =>
      step.undo.kind === 'remove-path' &&
      (path === step.undo.path || isInside(path, step.undo.path)),
  );
  if (isOwn || (await host.files.facts(path)) === undefined) return;
  throw new CloneboxError('conflict', `${path} exists already`, { facts: { path } });
}

/** Sorts by time; the second half tells operations of the same millisecond apart. */
function journalId(started: string): string {
  const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return `${started.replace(/[-:.]/g, '')}-${random.toString(16).padStart(8, '0')}`;
}

/** What the user typed, up to the command for the guest: that is nobody's business. */
function commandLine(): string {
  const argv = process.argv.slice(2);
  const end = argv.indexOf('--');
  return ['clonebox', ...(end < 0 ? argv : argv.slice(0, end))].join(' ').slice(0, 200);
}
