import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import {
  journalLines,
  type LogLine,
  type OwnEntry,
  ownLine,
  parseOwn,
  serialLines,
} from './log-lines.ts';

/** How much of a console is looked at, in bytes. */
const consoleBytes = 1024 * 1024;

/** Milliseconds between two looks at a file that is followed. */
const lookEvery = 200;

/** How many older files of the log there may be. */
const olderLogs = 5;

export interface Wanted {
  /** Only the last this many lines are needed. */
  readonly tail: number;
  /** Milliseconds since 1970. */
  readonly since: number | undefined;
  readonly unit: string | undefined;
}

/** What one source has, and how to go on from there: `follow` ends with the signal of the graph's `Io`. */
export interface Reading {
  readonly lines: readonly LogLine[];
  follow(onLine: (line: LogLine) => void): Promise<void>;
}

/** CloneBox's own lines about a VM: those that name it, and all others of an operation on it. */
export async function readOwn(ctx: Ctx, name: VmName): Promise<Reading> {
  const operations = new Set<string>();
  const path = ctx.store.paths.logFile;
  const lines: LogLine[] = [];
  let from = 0;
  for (let age = olderLogs; age >= 0; age -= 1) {
    const text = (await ctx.host.files.readText(ageOf(path, age))) ?? '';
    lines.push(...ofVm(text, name, operations).map(ownLine));
    from = Buffer.byteLength(text);
  }
  return {
    lines,
    follow: (onLine) =>
      followFile(ctx, { path, from, older: ageOf(path, 1) }, (text) => {
        for (const entry of ofVm(text, name, operations)) onLine(ownLine(entry));
      }),
  };
}

/** Every line of CloneBox's log that belongs to an operation, or to what it is a part of; oldest first. */
export async function readOperation(ctx: Ctx, id: string): Promise<LogLine[]> {
  const found: LogLine[] = [];
  for (let age = olderLogs; age >= 0; age -= 1) {
    const text = (await ctx.host.files.readText(ageOf(ctx.store.paths.logFile, age))) ?? '';
    for (const entry of entriesOf(text, (line) => line.includes(`"${id}"`))) {
      const { operation, correlation, parent } = entry.facts;
      if ([operation, correlation, parent].includes(id)) found.push(ownLine(entry));
    }
  }
  return found;
}

function ageOf(path: string, age: number): string {
  return age === 0 ? path : path.replace(/\.jsonl$/, `.${age}.jsonl`);
}

/** `operations` remembers what is about this VM, also for the text that comes next. */
function ofVm(text: string, name: VmName, operations: Set<string>): OwnEntry[] {
  const isNamed = ({ facts }: OwnEntry) => {
    const { vm, target, facts: more } = facts;
    return [vm, target, (more as { vm?: unknown } | undefined)?.vm].includes(name);
  };
  const operationOf = (line: string) => /"operation":"([^"]*)"/.exec(line)?.[1] ?? '';
  const mayName = (line: string) => line.includes(`"${name}"`);
  for (const entry of entriesOf(text, mayName).filter(isNamed)) {
    if (typeof entry.facts.operation === 'string') operations.add(entry.facts.operation);
  }
  return entriesOf(text, (line) => operations.has(operationOf(line)) || mayName(line)).filter(
    (entry) => operations.has(String(entry.facts.operation)) || isNamed(entry),
  );
}

function entriesOf(text: string, mayFit: (line: string) => boolean): OwnEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && mayFit(line))
    .map(parseOwn)
    .filter((entry) => entry !== undefined);
}

/** What the guest wrote to its serial console, the end of it; also of a VM that is off. */
export async function readSerial(ctx: Ctx, record: VmRecord): Promise<Reading> {
  const path = ctx.store.paths.vm(record.name).serialLog;
  const facts = await ctx.host.files.facts(path);
  const driver = await ctx.driver(record.plan.driver);
  const state = await driver.inspect(record.name, ctx.io);
  const startedAt =
    'process' in state
      ? ctx.host.now() - (await ctx.host.processAge(state.process)) * 1000
      : undefined;
  const endedAt = facts?.modified ?? ctx.host.now();
  const text = await ctx.host.files.readTail(path, Math.min(facts?.size ?? 0, consoleBytes));
  return {
    lines: serialLines(text, { startedAt, endedAt }),
    follow: (onLine) =>
      followFile(ctx, { path, from: facts?.size ?? 0 }, (more) => {
        const now = ctx.host.now();
        // What comes now is told as of now.
        for (const line of serialLines(more, { startedAt: now, endedAt: now })) {
          onLine({ ...line, time: new Date(now).toISOString() });
        }
      }),
  };
}

/** The guest's journal since its last boot, over its agent. Fails with `guest-failed` when that does not answer. */
export async function readJournal(ctx: Ctx, name: VmName, wanted: Wanted): Promise<Reading> {
  const lines: LogLine[] = [];
  let cursor: string | undefined;
  const since = wanted.since === undefined ? [] : [`--since=@${Math.floor(wanted.since / 1000)}`];
  const unit = wanted.unit === undefined ? [] : ['-u', wanted.unit];
  const show = async (more: readonly string[], onLine: (line: LogLine) => void) => {
    const guest = await ctx.openGuest(name);
    try {
      await guest.exec([...journalctl, ...unit, ...more], ctx.io, {
        onOutput: splitLines((text) => {
          const entry = journalLines(text);
          cursor = entry.cursor ?? cursor;
          for (const line of entry.lines) onLine(line);
        }),
      });
    } finally {
      await guest.close();
    }
  };
  await show(['-n', String(wanted.tail), ...since], (line) => lines.push(line));
  return {
    lines,
    follow: (onLine) =>
      show(['-f', ...(cursor === undefined ? ['-n', '0'] : [`--after-cursor=${cursor}`])], onLine),
  };
}

const journalctl = [
  ...['journalctl', '-b', '--no-pager', '-o', 'json'],
  '--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_COMM',
];

/** Calls with each whole line of a program's standard output. */
function splitLines(onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  let partial = '';
  return (stream: 'stdout' | 'stderr', chunk: Uint8Array) => {
    if (stream === 'stderr') return;
    const lines = (partial + decoder.decode(chunk, { stream: true })).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

/**
 * Calls with the whole lines that come to a file, until the signal. When it got smaller it was begun anew: what it
 * had is in `older` then.
 */
async function followFile(
  ctx: Ctx,
  file: { path: string; from: number; older?: string },
  onText: (text: string) => void,
): Promise<void> {
  const { files } = ctx.host;
  const sizeOf = async (path: string) => (await files.facts(path))?.size ?? 0;
  let seen = file.from;
  let partial = '';
  const tell = (text: string) => {
    const end = (partial + text).lastIndexOf('\n') + 1;
    if (end > 0) onText((partial + text).slice(0, end));
    partial = (partial + text).slice(end);
  };
  for (;;) {
    const size = await sizeOf(file.path);
    if (size < seen) {
      const rest = file.older === undefined ? 0 : (await sizeOf(file.older)) - seen;
      if (file.older !== undefined && rest > 0) tell(await files.readTail(file.older, rest));
      seen = 0;
    }
    if (size > seen) tell(await files.readTail(file.path, size - seen));
    seen = size;
    await ctx.host.sleep(lookEvery, ctx.io.signal);
  }
}
