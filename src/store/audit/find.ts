import type { Io } from '../../core/io.ts';
import { type Block, blocksBackward, blocksForward } from './blocks.ts';
import { type AuditRecord, parseRecord } from './event.ts';
import { type AuditFilter, type PreparedFilter, prepareFilter } from './filter.ts';
import { matchingSpans } from './match.ts';
import type { AuditPlace } from './place.ts';
import { openLog, type Segment } from './segments.ts';

/** An event that was asked for, and its line as it is in the log. */
export interface Found {
  readonly record: AuditRecord;
  readonly line: string;
}

export interface FindOptions {
  readonly order: 'newest first' | 'oldest first';
  readonly io: Io;
  /** Stops after so many. */
  readonly limit?: number;
}

/** What a part of the log has; parts without anything are passed over. */
export interface Batch {
  readonly found: readonly Found[];
  /** Lines that look like what was asked for and are damaged. */
  readonly damaged: number;
}

/** Clocks are set: lines are only about in the order of their times. */
const disorder = 24 * 60 * 60 * 1000;
const timeKey = Buffer.from('"time":"');
const timeLength = '2026-01-01T00:00:00.000Z'.length;

/**
 * Looks through the log, in constant memory and without a lock: what is appended meanwhile may be missing. Lines are
 * sorted out by their bytes; only what is left is parsed.
 */
export async function* findRecords(
  place: AuditPlace,
  filter: AuditFilter,
  { order, io, limit = Number.POSITIVE_INFINITY }: FindOptions,
): AsyncGenerator<Batch> {
  const newestFirst = order === 'newest first';
  const prepared = prepareFilter(filter);
  const log = await openLog(place);
  let left = limit;
  try {
    for (const segment of newestFirst ? log.segments.toReversed() : log.segments) {
      for await (const block of blocksOf(segment, newestFirst)) {
        io.signal.throwIfAborted();
        const batch = look(block, { filter, prepared, newestFirst, left });
        if (batch.found.length > 0 || batch.damaged > 0) yield batch;
        left -= batch.found.length;
        if (left <= 0 || (newestFirst && isTooOld(block, filter))) return;
      }
    }
  } finally {
    await log.close();
  }
}

async function* blocksOf(segment: Segment, newestFirst: boolean): AsyncGenerator<Block> {
  const file = await segment.open();
  if (file === undefined) return;
  try {
    yield* newestFirst ? blocksBackward(file) : blocksForward(file);
  } finally {
    await file.close();
  }
}

function look(
  { bytes }: Block,
  question: { filter: AuditFilter; prepared: PreparedFilter; newestFirst: boolean; left: number },
): Batch {
  const { filter, prepared, newestFirst, left } = question;
  const found: Found[] = [];
  let damaged = 0;
  const spans = matchingSpans(bytes, prepared.needles);
  for (const { start, end } of newestFirst ? spans.reverse() : spans) {
    if (found.length >= left) break;
    if (!isInTime(bytes.subarray(start, end), filter)) continue;
    const line = bytes.toString('utf8', start, end);
    const record = parseRecord(line);
    if (record === undefined) damaged += 1;
    else if (prepared.accepts(record)) found.push({ record, line });
  }
  return { found, damaged };
}

/** True also for a line that has no time where it should be. */
function isInTime(line: Buffer, { since, until }: AuditFilter): boolean {
  if (since === undefined && until === undefined) return true;
  const time = timeOf(line);
  return !(time < (since ?? time)) && !(time > (until ?? time));
}

function isTooOld({ bytes }: Block, { since }: AuditFilter): boolean {
  return since !== undefined && timeOf(bytes) < since - disorder;
}

/** The time of the first line, in milliseconds since 1970; NaN when there is none. */
function timeOf(bytes: Buffer): number {
  const at = bytes.indexOf(timeKey) + timeKey.length;
  return Date.parse(bytes.toString('latin1', at, at + timeLength));
}
