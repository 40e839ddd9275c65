import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { VmName } from '../core/name.ts';
import { uninterrupted } from '../core/quiet-io.ts';
import type { Journal, OperationFacts, Paths, Undo } from '../core/store.ts';
import { faultPoint } from '../host/fault-point.ts';
import { redact } from '../lib/redact.ts';
import {
  formatLine,
  type JournalContent,
  type JournalDecision,
  type JournalHeader,
  type JournalStep,
} from './journal-file.ts';
import { isInside } from './paths.ts';
import { checkRemovable } from './undo-path.ts';
import { endJournal, finished, removeJournal, type UndoHandlers, undoSteps } from './undo-steps.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
  readonly handlers: UndoHandlers;
}

/**
 * Opens the journal of an operation; its file is made by the first step. `rollback` is deaf to the abort of its `Io`,
 * so that it may be called with the one that was interrupted. `step` fails with `refused` or `conflict`, before
 * anything is written or done, when its undo would remove what is not CloneBox's own or was there before.
 */
export function openJournal(
  { host, paths, handlers }: Place,
  facts: OperationFacts,
  vm: VmName | undefined,
): Journal {
  const { files } = host;
  const file = `${paths.journal}/${facts.id}.jsonl`;
  const steps: JournalStep[] = [];
  let header: JournalHeader | undefined;
  let decision: JournalDecision | undefined;
  let state: 'open' | 'decided' | 'ended' | 'torn' = 'open';
  let torn: unknown;

  const append = async (line: string) => {
    const before = (await files.facts(file))?.size;
    try {
      await files.appendSynced(file, line);
    } catch (error) {
      // The line may be on the disk, in part or whole: what is undone from here on must not be taken for decided.
      if (before !== undefined) await files.truncate(file, before).catch(() => {});
      state = 'torn';
      torn = error;
      throw error;
    }
  };
  const begin = async () => {
    // Whoever did not stop at the first failure is to hear of that.
    if (state === 'torn') throw torn;
    if (state !== 'open') {
      throw new CloneboxError('bug', `the journal of ${facts.event} is ${state}`, {
        facts: { id: facts.id },
      });
    }
    if (header !== undefined) return;
    const made: JournalHeader = {
      facts,
      ...(vm !== undefined && { vm }),
      pid: process.pid,
      startTime: (await host.processRef(process.pid))?.startTime ?? 0,
      command: commandLine(),
      started: new Date(host.now()).toISOString(),
    };
    await files.makeDirectory(paths.journal, 0o700);
    await files.writeNew(file, formatLine(made));
    header = made;
    await faultPoint('begun');
  };
  const contentOf = (made: JournalHeader): JournalContent => ({
    header: made,
    steps,
    decision,
    unreadable: [],
  });

  return {
    id: facts.id,
    step: async (title, undo, action) => {
      await checkUndo({ host, paths }, steps, undo);
      await begin();
      const step: JournalStep = { title, undo };
      await append(formatLine(step));
      steps.push(step);
      await faultPoint(`${title}: written`);
      const result = await action();
      await faultPoint(`${title}: done`);
      return result;
    },
    finish: async (title, finish, action) => {
      await begin();
      const decided: JournalDecision = { title, finish };
      await append(formatLine(decided));
      decision = decided;
      state = 'decided';
      await faultPoint(`${title}: decided`);
      const result = await action();
      await faultPoint(`${title}: finished`);
      await append(formatLine({ ended: finished }));
      state = 'ended';
      return result;
    },
    commit: async () => {
      if (state === 'ended' || header === undefined) return;
      if (state === 'torn') throw torn;
      if (state === 'decided') {
        throw new CloneboxError('bug', `${facts.event} is decided, and not brought to its end`, {
          facts: { id: facts.id },
        });
      }
      await append(formatLine({ ended: finished }));
      state = 'ended';
      await faultPoint('committed');
    },
    rollback: async (io) => {
      if (state === 'ended' || header === undefined) return [];
      const content = contentOf(header);
      const place = { host, handlers, file };
      if (decision !== undefined) {
        await endJournal(place, { ...content, header: { ...header, abandoned: true } }).catch(
          (error: unknown) => io.log.warn('journal.not-noted', { file, reason: reasonOf(error) }),
        );
        return [`${decision.title}: the next command on it brings this to its end`];
      }
      state = 'ended';
      return (await undoSteps(place, content, uninterrupted(io))).failures;
    },
    close: async () => {
      if (header === undefined || state !== 'ended') return;
      // What could not be undone stays for a later try.
      const left = await files.readText(file);
      if (left !== undefined && !/\n\{"ended":.*\n$/.test(left)) return;
      await removeJournal(host, file);
      await faultPoint('closed');
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

/** What the user typed, up to the command for the guest: that is nobody's business. */
function commandLine(): string {
  const argv = process.argv.slice(2);
  const end = argv.indexOf('--');
  const typed = ['clonebox', ...(end < 0 ? argv : argv.slice(0, end))].join(' ');
  return redact(typed).slice(0, 200);
}
