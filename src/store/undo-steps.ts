import { isCloneboxError, reasonOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { Ending, Finish, Undo } from '../core/store.ts';
import { faultPoint } from '../host/fault-point.ts';
import { formatJournal, type JournalContent, type JournalStep } from './journal-file.ts';

/** How each kind of step is taken back. A handler may be called again, and for what was never done. */
export type UndoHandlers = {
  readonly [Kind in Undo['kind']]: (undo: Extract<Undo, { kind: Kind }>, io: Io) => Promise<void>;
};

/** How each kind of decision is brought to its end. A handler may be called again, at whatever point the last one died. */
export type FinishHandlers = {
  readonly [Kind in Finish['kind']]: (
    finish: Extract<Finish, { kind: Kind }>,
    io: Io,
  ) => Promise<void>;
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

/** How an operation ended whose steps were taken back because its process was gone. */
export const interrupted: Ending = {
  outcome: 'failure',
  error: { code: 'terminated', message: 'its process died; what it had made was taken back' },
};

/** How an operation ended that was decided. */
export const finished: Ending = { outcome: 'success', error: null };

/**
 * Takes back the steps of a journal, last first, and goes on after a failure. What is taken back leaves the file at
 * once; after the last of it the journal has `ended`. What could not be taken back stays, with its reason, for a later
 * try. Throws nothing.
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
  let mayRetry = true;
  const fail = (what: string, error: unknown) => {
    firstError ??= error;
    failures.push(`${what}: ${reasonOf(error)}`);
    io.log.warn('journal.undo-failed', { file, what, reason: reasonOf(error) });
  };
  const note = (change: Partial<JournalContent> = {}) =>
    endJournal({ host, file }, { ...journal, steps: [...waiting, ...left], ...change });
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    try {
      // The key and the argument are of the same kind, which the compiler cannot follow.
      await handlers[step.undo.kind](step.undo as never, io);
      io.log.debug('journal.undone', { file, step: step.title });
      await faultPoint(`${step.title}: undone`);
    } catch (error) {
      // A full disk may have room once the steps that made the files are undone.
      if (mayRetry && waiting.length > 0 && isCloneboxError(error, 'host-unable')) {
        mayRetry = false;
        waiting.unshift(step);
        continue;
      }
      fail(step.title, error);
      left.unshift({ ...step, failed: reasonOf(error) });
      continue;
    }
    // A disk that is full right now may have room again after the next step: an undo may be repeated.
    await note().catch(() => {});
  }
  try {
    if (failures.length === 0) await note({ ended: interrupted });
    else await note({ header: { ...journal.header, abandoned: true } });
  } catch (error) {
    fail('the journal itself', error);
  }
  return { failures, firstError };
}

/** Brings a decided operation to its end. Fails with whatever the handler fails with; it may be called again. */
export async function finishDecision(
  { host, handlers, file }: { host: Host; handlers: FinishHandlers; file: string },
  journal: JournalContent,
  io: Io,
): Promise<void> {
  const { decision } = journal;
  if (decision === undefined) return;
  await handlers[decision.finish.kind](decision.finish as never, io);
  await endJournal({ host, file }, { ...journal, ended: finished });
}

/** Writes a journal anew, as far as it has come. */
export async function endJournal(
  { host, file }: { host: Host; file: string },
  content: JournalContent,
): Promise<void> {
  await host.files.writeAtomic(file, formatJournal(content));
}

/** Removes a journal for good: one that came back after a power loss would undo what is in use by then. */
export async function removeJournal(host: Host, file: string): Promise<void> {
  await host.files.remove(file);
}
