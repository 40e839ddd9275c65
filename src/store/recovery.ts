import type { Audit } from '../core/audit.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths, UnfinishedOperation } from '../core/store.ts';
import { newOperationId } from '../lib/operation-id.ts';
import { type JournalContent, parseJournal, perhapsDecided } from './journal-file.ts';
import {
  type FinishHandlers,
  finishDecision,
  finished,
  interrupted,
  removeJournal,
  type UndoHandlers,
  type UndoOutcome,
  undoSteps,
} from './undo-steps.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
  readonly audit: Audit;
}

interface Handlers {
  readonly undo: UndoHandlers;
  readonly finish: FinishHandlers;
}

interface LeftJournal {
  readonly id: string;
  readonly file: string;
  readonly content: JournalContent;
}

/** Which journals are asked for: of a VM, of no VM, or all. */
export type Whose = { readonly vm: VmName | undefined } | 'all';

/** The operations whose process is gone, or gave up in the middle of its rollback, newest first. Changes nothing. */
export async function unfinishedOperations(
  place: Place,
  whose: Whose,
): Promise<UnfinishedOperation[]> {
  const left = await leftJournals(place, whose);
  return left.filter(({ content }) => content.ended === undefined).map(describe);
}

/**
 * Takes back, or brings to its end, what a crash left of a VM, the newest operation first, and returns the operations.
 * Each gets its line in the audit log; so does any that had ended, of whatever VM, and died before it wrote that. Call it
 * with the VM's lock. Fails with `conflict` when something could not be done; that stays in the journal, and this may be called again.
 */
export async function recoverVm(
  place: Place & { readonly handlers: Handlers },
  whose: Exclude<Whose, 'all'>,
  io: Io,
): Promise<readonly UnfinishedOperation[]> {
  // One that has ended needs no lock any more, and its VM may be gone for good.
  const journals = (await leftJournals(place, 'all')).filter(
    ({ content }) => content.ended !== undefined || content.header.vm === whose.vm,
  );
  const failures: string[] = [];
  let firstError: unknown;
  for (const left of journals) {
    io.signal.throwIfAborted();
    const outcome = await settle(place, left, io);
    failures.push(...outcome.failures);
    firstError ??= outcome.firstError;
  }
  const done = journals.filter(({ content }) => content.ended === undefined).map(describe);
  if (failures.length === 0) return done;
  const what = whose.vm === undefined ? '' : ` of VM ${whose.vm}`;
  throw new CloneboxError(
    'conflict',
    `an interrupted operation${what} could not be undone: ${failures[0]}`,
    {
      hint: `Remove the cause and try again: clonebox recover ${whose.vm ?? '--auto'}`,
      facts: { vm: whose.vm, failures, journals: journals.map(({ file }) => file) },
      cause: firstError,
    },
  );
}

async function settle(
  place: Place & { readonly handlers: Handlers },
  { file, content }: LeftJournal,
  io: Io,
): Promise<UndoOutcome> {
  const { host, handlers } = place;
  if (content.ended !== undefined) {
    await close(place, file, content);
    return { failures: [], firstError: undefined };
  }
  const journal = { ...content, recovery: newOperationId(host.now()) };
  const unclear = perhapsDecided(content);
  if (content.decision !== undefined) {
    try {
      await finishDecision({ host, file, handlers: handlers.finish }, journal, io);
    } catch (error) {
      return { failures: [`${content.decision.title}: ${reasonOf(error)}`], firstError: error };
    }
    await close(place, file, { ...journal, ended: finished });
  } else if (unclear !== undefined) {
    return { failures: [`unreadable line: ${unclear.slice(0, 200)}`], firstError: undefined };
  } else {
    const outcome = await undoSteps({ host, file, handlers: handlers.undo }, journal, io);
    if (outcome.failures.length > 0) return outcome;
    await close(place, file, { ...journal, ended: interrupted });
  }
  return { failures: [], firstError: undefined };
}

/** Removes a journal that has ended, once the audit log tells of it. */
async function close(place: Place, file: string, content: JournalContent): Promise<void> {
  await record(place, content);
  await removeJournal(place.host, file);
}

/**
 * The line of the audit log that the operation itself could not write any more, and another one that tells of the
 * recovery, if there was one. A line that is there stays alone.
 */
async function record(
  { host, audit }: Place,
  { header, ended, recovery, decision }: JournalContent,
): Promise<void> {
  const now = host.now();
  const time = new Date(now).toISOString();
  const { facts } = header;
  const durationMs = Math.max(0, now - Date.parse(header.started));
  await audit.append({ ...facts, ...(ended ?? interrupted), time, durationMs }, quietIo());
  if (recovery === undefined) return;
  await audit.append(
    {
      ...facts,
      id: recovery,
      event: 'system.recover',
      actor: { ...facts.actor, pid: process.pid },
      parent: facts.id,
      details: { operation: facts.event, way: decision === undefined ? 'undone' : 'finished' },
      ...{ outcome: 'success', error: null, time, durationMs: 0 },
    },
    quietIo(),
  );
}

/** Forgets what is left to undo of a VM that is gone for good, or about to go. The audit log tells of it all the same. */
export async function forgetJournals(place: Place, vm: VmName): Promise<void> {
  for (const { file, content } of await leftJournals(place, { vm })) {
    await close(place, file, content);
  }
}

/** As `forgetJournals`, from within the purge: one that a later process brings to its end is not forgotten yet. */
export async function forgetPurged(place: Place, vm: VmName): Promise<void> {
  for (const { file, content } of await leftJournals(place, { vm })) {
    const isThis = content.decision?.finish.kind === 'purge-vm' && content.ended === undefined;
    if (!isThis) await close(place, file, content);
  }
}

function describe({ id, content }: LeftJournal): UnfinishedOperation {
  const { header, steps, decision } = content;
  return {
    id,
    operation: header.facts.event,
    vm: header.vm ?? null,
    lastStep: decision?.title ?? steps.at(-1)?.title ?? 'begin',
    started: header.started,
    way: decision === undefined ? 'undo' : 'finish',
  };
}

async function leftJournals(
  { host, paths }: { readonly host: Host; readonly paths: Paths },
  whose: Whose,
): Promise<LeftJournal[]> {
  const left: LeftJournal[] = [];
  for (const entry of (await host.files.list(paths.journal)).toSorted().toReversed()) {
    const id = /^([0-9a-f]{16})\.jsonl$/.exec(entry)?.[1];
    if (id === undefined) continue;
    const file = `${paths.journal}/${entry}`;
    const text = await host.files.readText(file);
    const content = text === undefined ? undefined : parseJournal(text);
    if (content === undefined) continue;
    const { header } = content;
    if (whose !== 'all' && header.vm !== whose.vm) continue;
    if (header.abandoned || !(await host.isAlive(header))) left.push({ id, file, content });
  }
  return left;
}
