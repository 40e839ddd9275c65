import { isCloneboxError, reasonOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { Undo } from '../core/store.ts';
import { formatJournal, type JournalContent, type JournalStep } from './journal-file.ts';

/** How each kind of step is taken back. A handler may be called again, and for what was never done. */
export type UndoHandlers = {
  readonly [Kind in Undo['kind']]: (undo: Extract<Undo, { kind: Kind }>, io: Io) => Promise<void>;
};

/** What could not be taken back: a sentence for each, and the first error as it was thrown. */
export interface UndoOutcome {
  readonly failures: readonly string[];
  readonly firstError: unknown;
}

interface Place {
  readonly host: Host;
  readonly handlers: UndoHandlers;
  /** The journal's file. */
  readonly file: string;
}

/**
 * Takes back the steps of a journal, last first, and goes on after a failure. What is taken back leaves the file at
 * once, the file goes with the last of it; what could not be taken back stays, with its reason, for a later try.
 * Throws nothing.
 */
export async function undoSteps(
  { host, handlers, file }: Place,
  journal: JournalContent,
  io: Io,
): Promise<UndoOutcome> {
  const waiting = [...journal.steps];
  const left: JournalStep[] = [];
  const failures = journal.unreadable.map((text) => `unreadable step: ${text.slice(0, 200)}`);
  let firstError: unknown;
  let isNoted = true;
  let mayRetry = true;
  const fail = (what: string, error: unknown) => {
    firstError ??= error;
    failures.push(`${what}: ${reasonOf(error)}`);
    io.log.warn('journal.undo-failed', { file, what, reason: reasonOf(error) });
  };
  const note = async (header = journal.header) => {
    const steps = [...waiting, ...left];
    await host.files.writeAtomic(file, formatJournal({ ...journal, header, steps }));
  };
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    try {
      if (step.undo.kind === 'restore-vm' && !(isNoted && left.length === 0)) {
        throw new Error('what came after it must be undone first');
      }
      // The key and the argument are of the same kind, which the compiler cannot follow.
      await handlers[step.undo.kind](step.undo as never, io);
      io.log.debug('journal.undone', { file, step: step.title });
    } catch (error) {
      // A full disk may have room once the steps that made the files are undone; a restored VM comes after all.
      const last = waiting.findIndex(({ undo }) => undo.kind !== 'restore-vm');
      if (mayRetry && last >= 0 && isCloneboxError(error, 'host-unable')) {
        mayRetry = false;
        waiting.splice(last, 0, step);
        continue;
      }
      fail(step.title, error);
      left.unshift({ ...step, failed: reasonOf(error) });
      continue;
    }
    // A restored VM has the place of the one that was removed: that removal must never be repeated. A disk that
    // is full right now may have room again after the next step.
    isNoted = await note().then(
      () => true,
      () => false,
    );
  }
  try {
    if (failures.length === 0) await removeJournal(host, file);
    else await note({ ...journal.header, abandoned: true });
  } catch (error) {
    fail('the journal itself', error);
  }
  return { failures, firstError };
}

/** Removes a journal for good: one that came back after a power loss would undo what is in use by then. */
export async function removeJournal(host: Host, file: string): Promise<void> {
  await host.files.remove(file);
  await host.files.syncDirectory(file.slice(0, file.lastIndexOf('/')));
}
