import type { Actor, AuditEntry, AuditEvent, AuditOutcome, AuditTarget } from '../core/audit.ts';
import type { Ctx } from '../core/ctx.ts';
import { isCloneboxError, reasonOf } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import type { Journal, OperationFacts } from '../core/store.ts';
import { actorOf } from './actor.ts';
import { emptyTrash } from './empty-trash.ts';

/** Something that changes, or may change, what is on this machine: one line of the audit log, one journal at most. */
export interface Operation {
  /** The graph with a log that is bound to this operation; operations begun with it are its parts. */
  readonly ctx: Ctx;
  readonly id: string;
  /** It turns out to be another operation than it seemed. */
  become(event: AuditEvent): void;
  /** Says what it is done to, as soon as that is known. */
  about(target: AuditTarget): void;
  /** Adds to what the audit log tells of it. */
  note(details: Readonly<Record<string, unknown>>): void;
  /** It was so already: nothing was changed. */
  skipped(): void;
}

interface Running extends Operation {
  facts(): OperationFacts;
  readonly journals: Journal[];
}

interface Begin {
  readonly event: AuditEvent;
  /** What the user named, if that is all there is. */
  readonly target?: AuditTarget | undefined;
  /** It is the way out of a full disk, and may begin on one: there will be room to record it when it is done. */
  readonly makesRoom?: true;
}

/**
 * Runs an operation: there must be room to record it before it begins; how it ended is in the log and the audit log,
 * refused and failed ones too.
 */
export async function operation<T>(
  ctx: Ctx,
  begin: Begin,
  action: (op: Operation) => Promise<T>,
): Promise<T> {
  await keepRoom(ctx, begin);
  const started = ctx.host.now();
  const op = createOperation(ctx, begin, await actorOf(ctx.host));
  const { io } = op.ctx;
  io.log.info(`${begin.event}.started`, { target: begin.target?.name });
  let ending: Pick<AuditEntry, 'outcome' | 'error'>;
  let result: T | undefined;
  let failure: unknown;
  try {
    result = await action(op);
    ending = { outcome: op.outcome(), error: null };
  } catch (error) {
    failure = error;
    ending = {
      outcome: outcomeOf(error),
      error: { code: codeOf(error), message: firstLine(error) },
    };
  }
  const now = ctx.host.now();
  const durationMs = now - started;
  const facts = { duration_ms: durationMs, outcome: ending.outcome };
  if (ending.error === null) io.log.info(`${op.event()}.completed`, facts);
  else io.log.error(`${op.event()}.failed`, { ...facts, ...ending.error });
  try {
    const entry = { ...op.facts(), ...ending, time: new Date(now).toISOString(), durationMs };
    await ctx.audit.append(entry, { ...ctx.io, signal: AbortSignal.timeout(30_000) });
    for (const journal of op.journals) await journal.close();
  } catch (error) {
    if (ending.error === null) throw error;
    // Why the operation failed is what the user must hear first.
    io.log.error('audit.failed', { reason: reasonOf(error) });
  }
  if (ending.error !== null) throw failure;
  if (op.journals.length > 0) await emptyTrash(ctx);
  return result as T;
}

/**
 * Holds the VM's lock, settles what a crash left of it, then acts with a journal: committed when `action` returns, taken
 * back when it throws, before the lock is given up.
 */
export async function changeVm<T>(
  op: Operation,
  name: VmName,
  action: (journal: Journal) => Promise<T>,
): Promise<T> {
  const { ctx } = op;
  op.about({ type: 'vm', name });
  return ctx.store.withLock(name, ctx.io, async () => {
    for (const left of await ctx.store.recover(name, ctx.io)) {
      const what = left.way === 'undo' ? 'took back' : 'finished';
      ctx.io.emit({ kind: 'note', text: `${what} an interrupted ${left.operation} of ${name}` });
    }
    return journaled(op, action, name);
  });
}

/** As `changeVm`, of what is no VM and has a lock of its own. */
export async function journaled<T>(
  op: Operation,
  action: (journal: Journal) => Promise<T>,
  vm?: VmName,
): Promise<T> {
  const { ctx, facts, journals } = op as Running;
  const journal = await ctx.store.beginJournal(facts(), vm);
  journals.push(journal);
  try {
    const result = await action(journal);
    await journal.commit();
    return result;
  } catch (error) {
    await takeBack(ctx, journal);
    throw error;
  }
}

/** Undoes the journal; what cannot be undone is told and never hides the error that led here. */
async function takeBack(ctx: Ctx, journal: Journal): Promise<void> {
  // The operation's own signal may be what ended it.
  const io = { ...ctx.io, signal: AbortSignal.timeout(60_000) };
  const left = await journal.rollback(io).catch((failure: unknown) => [reasonOf(failure)]);
  if (left.length === 0) return;
  ctx.io.emit({ kind: 'warning', text: `not everything is in order yet: ${left.join('; ')}` });
}

/** True when there was no room to write. */
export function isFull(error: unknown): boolean {
  const errno = isCloneboxError(error, 'host-unable') ? error.facts.errno : undefined;
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

async function keepRoom(ctx: Ctx, { makesRoom }: Begin): Promise<void> {
  try {
    await ctx.audit.reserve(ctx.io);
  } catch (error) {
    if (!makesRoom || !isFull(error)) throw error;
  }
  if (!makesRoom) return;
  const { paths } = ctx.store;
  const isThere = (await ctx.host.files.facts(paths.home)) !== undefined;
  if (isThere && (await ctx.host.files.freeBytes(paths.home)) < enough) await ctx.audit.yieldRoom();
}

/** Bytes that a journal, the list of ports and a line of the audit log take at most. */
const enough = 128 * 1024;

function createOperation(
  outer: Ctx,
  begin: Begin,
  actor: Actor,
): Running & { outcome(): AuditOutcome; event(): AuditEvent } {
  const { trace } = outer;
  const id = trace.next();
  let { event } = begin;
  let target = begin.target ?? null;
  let details: Record<string, unknown> = {};
  let outcome: AuditOutcome = 'success';
  let log = outer.io.log.child({ operation: id, ...(trace.parent && { parent: trace.parent }) });
  // What it is about may be known later than its first line.
  const io: Io = {
    signal: outer.io.signal,
    get log() {
      return log;
    },
    emit: (progress) => outer.io.emit(progress),
  };
  return {
    // Getters of the graph stay lazy.
    ctx: Object.create(outer, {
      io: { value: io, enumerable: true },
      trace: { value: { ...trace, parent: id }, enumerable: true },
    }) as Ctx,
    id,
    journals: [],
    become: (other) => {
      event = other;
    },
    about: (known) => {
      target = known;
      if (known.type === 'vm') log = log.child({ vm: known.name });
    },
    note: (more) => {
      details = { ...details, ...more };
    },
    skipped: () => {
      outcome = 'skipped';
    },
    outcome: () => outcome,
    event: () => event,
    // A journal is begun before all of this is known, and writes it down at its first step.
    facts: () => ({
      id,
      get event() {
        return event;
      },
      actor,
      get target() {
        return target;
      },
      correlation: trace.correlation,
      parent: trace.parent ?? null,
      get details() {
        return details;
      },
    }),
  };
}

function outcomeOf(error: unknown): AuditOutcome {
  if (isCloneboxError(error, 'refused')) return 'denied';
  return isCloneboxError(error, 'partial') ? 'partial' : 'failure';
}

function codeOf(error: unknown): string {
  return isCloneboxError(error) ? error.code : 'bug';
}

function firstLine(error: unknown): string {
  return reasonOf(error).split('\n')[0] ?? '';
}
