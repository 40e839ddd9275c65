import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { VmRecord } from '../core/record.ts';
import { requireRunning } from './exec.ts';
import { type LogLine, type LogSource, logSources, mergeLines } from './log-lines.ts';
import {
  type Reading,
  readJournal,
  readOperation,
  readOwn,
  readSerial,
  type Wanted,
} from './log-sources.ts';
import { loadVm } from './target.ts';

export interface LogsInput {
  readonly target: string | undefined;
  readonly cwd: string;
  /** Those that must be read; `undefined` reads all that can be. */
  readonly sources: readonly LogSource[] | undefined;
  /** Only this unit of the journal. */
  readonly unit: string | undefined;
  /** Milliseconds since 1970. */
  readonly since: number | undefined;
  /** How many lines to begin with. */
  readonly tail: number;
  readonly follow: boolean;
  readonly onLine: (line: LogLine) => void;
}

/** What could not be read, and why. */
export interface Unread {
  readonly source: LogSource;
  readonly reason: string;
}

/** How long a guest may take to say that it is there, in milliseconds. */
const patience = 5000;

/**
 * Tells the last lines of a VM's sources, merged by time; with `follow` it goes on until the signal. A source that cannot
 * be read fails it with `conflict` or `guest-failed` when it was asked for by name; else it does without, and says so.
 */
export async function logs(ctx: Ctx, input: LogsInput): Promise<{ unread: Unread[] }> {
  const record = await loadVm(ctx, input.target, input.cwd);
  const unread: Unread[] = [];
  const doWithout = (source: LogSource, error: unknown) => {
    if (input.sources !== undefined || ctx.io.signal.aborted) throw error;
    unread.push({ source, reason: reasonOf(error) });
    ctx.io.emit({ kind: 'note', text: `without ${source}: ${reasonOf(error)}` });
  };
  const readings: (Reading & { source: LogSource })[] = [];
  for (const source of input.sources ?? logSources) {
    try {
      readings.push({ ...(await read(ctx, record, { source, input })), source });
    } catch (error) {
      doWithout(source, error);
    }
  }
  const since = input.since ?? Number.NEGATIVE_INFINITY;
  const lines = mergeLines(readings.map((reading) => reading.lines)).filter(
    ({ time }) => input.since === undefined || (time !== null && Date.parse(time) >= since),
  );
  for (const line of lines.slice(Math.max(0, lines.length - input.tail))) input.onLine(line);
  if (!input.follow) return { unread };
  const goOn = ({ follow, source }: (typeof readings)[number]) =>
    follow(input.onLine).catch((error: unknown) => doWithout(source, error));
  await Promise.all(readings.map(goOn));
  return { unread };
}

async function read(
  ctx: Ctx,
  record: VmRecord,
  { source, input }: { source: LogSource; input: LogsInput },
): Promise<Reading> {
  const wanted: Wanted = input;
  if (source === 'clonebox') return readOwn(ctx, record.name);
  if (source === 'serial') return readSerial(ctx, record);
  await requireRunning(ctx, record);
  if (input.sources === undefined) await requireAnswer(ctx, record);
  return readJournal(ctx, record.name, wanted);
}

/** Whoever did not ask for the journal does not wait for a guest that is only starting. */
async function requireAnswer(ctx: Ctx, record: VmRecord): Promise<void> {
  const guest = await ctx.openGuest(record.name);
  try {
    if (await guest.ping(ctx.io, patience)) return;
  } finally {
    await guest.close();
  }
  throw new CloneboxError('guest-failed', `the guest of ${record.name} does not answer`);
}

/** Every line of the log about an operation, oldest first. Fails with `not-found` when there is none. */
export async function logsOfOperation(ctx: Ctx, id: string): Promise<LogLine[]> {
  const lines = await readOperation(ctx, id);
  if (lines.length > 0) return lines;
  throw new CloneboxError('not-found', `the log has nothing about an operation ${id}`, {
    hint: 'An error names its operation; the log goes back 60 MiB at most.',
    facts: { operation: id },
  });
}
