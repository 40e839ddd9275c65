import { logText } from '../lib/log-text.ts';
import { readableLines } from '../lib/readable.ts';

/** Where lines about a VM come from: CloneBox itself, the guest's serial console, the guest's journal. */
export const logSources = ['clonebox', 'serial', 'journal'] as const;

export type LogSource = (typeof logSources)[number];

/** A line about a VM, safe for a terminal. */
export interface LogLine {
  /** ISO 8601, UTC; `null` where nobody knows. */
  readonly time: string | null;
  readonly source: LogSource;
  readonly level?: string;
  readonly text: string;
  /** What CloneBox's own lines are made of. */
  readonly event?: string;
  readonly operation?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A line of CloneBox's own log as it is on disk. */
export interface OwnEntry {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Reads a line of the log; `undefined` for what is none. What a full disk cut short has the next line behind it, which
 * is read.
 */
export function parseOwn(text: string): OwnEntry | undefined {
  for (const start of [0, text.lastIndexOf('{"level":"')]) {
    const entry = start < 0 ? undefined : asEntry(text.slice(start));
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function asEntry(text: string): OwnEntry | undefined {
  try {
    const { time, level, event, ...facts } = JSON.parse(text) as Record<string, unknown>;
    if (typeof time !== 'string' || typeof level !== 'string' || typeof event !== 'string')
      return undefined;
    return Number.isNaN(Date.parse(time)) ? undefined : { time, level, event, facts };
  } catch {
    return undefined;
  }
}

/** An entry of the log as a line to be shown. */
export function ownLine({ time, level, event, facts }: OwnEntry): LogLine {
  const { operation, ...rest } = facts;
  return {
    ...{ time, source: 'clonebox', level, text: logText(event, facts), event },
    ...(typeof operation === 'string' && { operation }),
    facts: rest,
  };
}

/** Syslog's priorities in the words of CloneBox's levels. */
const priorities = ['error', 'error', 'error', 'error', 'warn', 'info', 'info', 'debug'];

/** An entry of a guest's journal (`journalctl -o json`) as lines, and where it is in the journal. */
export function journalLines(text: string): { lines: LogLine[]; cursor: string | undefined } {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { lines: [], cursor: undefined };
  }
  const field = (name: string) => (typeof entry[name] === 'string' ? entry[name] : undefined);
  const microseconds = Number(field('__REALTIME_TIMESTAMP') ?? Number.NaN);
  const pid = field('_PID');
  const who = `${field('SYSLOG_IDENTIFIER') ?? field('_COMM') ?? 'unknown'}${pid ? `[${pid}]` : ''}`;
  const level = priorities[Number(field('PRIORITY') ?? 6)];
  const lines = readableLines(messageOf(entry.MESSAGE)).map((line) => ({
    time: isoTime(microseconds / 1000),
    source: 'journal' as const,
    ...(level !== undefined && { level }),
    text: readableLines(`${who}: ${line}`).join(' '),
  }));
  return { lines, cursor: field('__CURSOR') };
}

/** A message that is no text comes as its bytes. */
function messageOf(message: unknown): string {
  if (typeof message === 'string') return message;
  if (!Array.isArray(message)) return '';
  return Buffer.from(message.filter((byte) => typeof byte === 'number')).toString('utf8');
}

/** When a machine's console was written to. */
export interface SerialClock {
  /** When the machine that runs was started, in milliseconds; `undefined` when none runs. */
  readonly startedAt: number | undefined;
  /** When the console was last written to. */
  readonly endedAt: number;
}

/**
 * What was written to a serial console, with times: the kernel's count of seconds since its start is the only clock
 * there is. Other lines have the time of the one before them. Of earlier boots nobody knows when they were.
 */
export function serialLines(text: string, clock: SerialClock): LogLine[] {
  const lines = readableLines(text).map((line) => ({ line, seconds: kernelSeconds(line) }));
  const lastBoot = startOfLastBoot(lines.map(({ seconds }) => seconds));
  const final = lines.findLast(({ seconds }) => seconds !== undefined)?.seconds ?? 0;
  const start = clock.startedAt ?? clock.endedAt - final * 1000;
  let time = start;
  return lines.map(({ line, seconds }, index) => {
    if (index >= lastBoot && seconds !== undefined) {
      time = Math.min(start + seconds * 1000, Math.max(clock.endedAt, start));
    }
    return { time: index < lastBoot ? null : isoTime(time), source: 'serial', text: line };
  });
}

function kernelSeconds(line: string): number | undefined {
  const [, seconds] = /^\[\s*(\d{1,9}\.\d{6})\]/.exec(line) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

/** A boot begins where the kernel counts from the start again; processors may differ by less than a second. */
function startOfLastBoot(seconds: readonly (number | undefined)[]): number {
  let before = 0;
  let start = 0;
  for (const [index, one] of seconds.entries()) {
    if (one === undefined) continue;
    if (one < before - 1) start = index;
    before = one;
  }
  return start;
}

function isoTime(milliseconds: number): string | null {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** Lines of several sources by time, each source in its own order; first those without one. */
export function mergeLines(sources: readonly (readonly LogLine[])[]): LogLine[] {
  return sources
    .flatMap(inOrder)
    .sort((a, b) => (a.at === b.at ? 0 : a.at - b.at))
    .map(({ line }) => line);
}

/** A clock that is set back must not turn the lines of a source around. */
function inOrder(lines: readonly LogLine[]): { line: LogLine; at: number }[] {
  let latest = Number.NEGATIVE_INFINITY;
  return lines.map((line) => {
    if (line.time !== null) latest = Math.max(latest, Date.parse(line.time));
    return { line, at: latest };
  });
}
