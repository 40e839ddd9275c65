import type { Audit } from '../core/audit.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Ending, Paths, UnfinishedOperation } from '../core/store.ts';
import { newOperationId } from '../lib/operation-id.ts';
import { type JournalContent, parseJournal } from './journal-file.ts';
import {
  type FinishHandlers,
  finishDecision,
  interrupted,
  removeJournal,
  type UndoHandlers,
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
 * Each gets its line in the audit log, also one that had ended and died before it wrote that. Call it with the VM's
 * lock. Fails with `conflict` when something could not be done; that stays in the journal, and this may be called again.
 */
export async function recoverVm(
  place: Place & { readonly handlers: Handlers },
  whose: Exclude<Whose, 'all'>,
  io: Io,
): Promise<readonly UnfinishedOperation[]> {
  const journals = await leftJournals(place, whose);
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
): Promise<{ failures: readonly string[]; firstError?: unknown }> {
  const { host, handlers } = place;
  let ending = content.ended;
  if (ending === undefined && content.decision !== undefined) {
    try {
      await finishDecision({ host, file, handlers: handlers.finish }, content, io);
    } catch (error) {
      return { failures: [`${content.decision.title}: ${reasonOf(error)}`], firstError: error };
    }
    ending = { outcome: 'success', error: null };
  } else if (ending === undefined) {
    const outcome = await undoSteps({ host, file, handlers: handlers.undo }, content, io);
    if (outcome.failures.length > 0) return outcome;
    ending = interrupted;
  }
  await record(place, content, ending);
  await removeJournal(host, file);
  return { failures: [] };
}

/**
 * The line of the audit log that the operation itself could not write any more (one that is there stays alone), and
 * another one that tells of the recovery.
 */
async function record(
  { host, audit }: Place,
  { header, ended, decision }: JournalContent,
  ending: Ending,
): Promise<void> {
  const now = host.now();
  const time = new Date(now).toISOString();
  const { facts } = header;
  const durationMs = Math.max(0, now - Date.parse(header.started));
  await audit.append({ ...facts, ...ending, time, durationMs }, quietIo());
  if (ended !== undefined) return;
  await audit.append(
    {
      ...facts,
      id: newOperationId(now),
      event: 'system.recover',
      actor: { ...facts.actor, pid: process.pid },
      parent: facts.id,
      details: { operation: facts.event, way: decision === undefined ? 'undone' : 'finished' },
      ...{ outcome: 'success', error: null, time, durationMs: 0 },
    },
    quietIo(),
  );
}

/** Forgets what is left to undo of a VM that is gone for good. */
export async function forgetJournals(
  place: { readonly host: Host; readonly paths: Paths },
  vm: VmName,
): Promise<void> {
  for (const { file } of await leftJournals(place, { vm })) await removeJournal(place.host, file);
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
