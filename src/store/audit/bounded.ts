import type { AuditEntry } from '../../core/audit.ts';
import { redact } from '../../lib/redact.ts';

/** Bytes a line may have, its newline included. */
export const longestLine = 4096;

/** How long texts and lists of `details` may be, in turns, until the line fits. */
const measures = [
  { text: 1024, items: 64 },
  { text: 256, items: 16 },
  { text: 64, items: 8 },
] as const;
const deepest = 6;
const cutMark = '…[cut]';

interface Measure {
  readonly text: number;
  readonly items: number;
}

/**
 * An entry as it may be written: without secrets, of plain JSON values, and short enough that `format` of it fits into
 * a line. What is cut has a mark; when nothing else helps, `details` is only that mark.
 */
export function boundedEntry(
  entry: AuditEntry,
  format: (bounded: AuditEntry) => string,
): AuditEntry {
  for (const measure of measures) {
    const bounded = shorten(entry, measure);
    if (Buffer.byteLength(format(bounded)) <= longestLine) return bounded;
  }
  return { ...shorten(entry, { text: 40, items: 0 }), details: { cut: cutMark } };
}

function shorten(entry: AuditEntry, measure: Measure): AuditEntry {
  const { actor, target, error, parent } = entry;
  const text = (value: string) => shortText(value, Math.min(measure.text, 256));
  const orNull = (value: string | null) => (value === null ? null : text(value));
  // The order of the keys is that of the line: the search looks for some of them side by side.
  return {
    id: entry.id,
    time: entry.time,
    event: entry.event,
    outcome: entry.outcome,
    actor: {
      user: text(actor.user),
      uid: actor.uid,
      login: orNull(actor.login),
      host: text(actor.host),
      pid: actor.pid,
      remote: orNull(actor.remote),
    },
    target: target === null ? null : { type: target.type, name: text(target.name) },
    durationMs: entry.durationMs,
    correlation: text(entry.correlation),
    parent: orNull(parent),
    details: plain(entry.details, measure, 0) as AuditEntry['details'],
    error:
      error === null
        ? null
        : { code: text(error.code), message: shortText(error.message, measure.text) },
  };
}

/** Secrets go before the cut: half a secret would not be found. */
function shortText(text: string, most: number): string {
  const clean = redact(text);
  return clean.length > most ? `${clean.slice(0, most)}${cutMark}` : clean;
}

function plain(value: unknown, measure: Measure, depth: number): unknown {
  if (typeof value === 'string') return shortText(value, measure.text);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return shortText(value.message, measure.text);
  if (typeof value !== 'object') return undefined;
  if (depth >= deepest) return cutMark;
  const isList = Array.isArray(value);
  const all: [string, unknown][] = Object.entries(value);
  const kept = all.slice(0, measure.items).map(([key, one]): [string, unknown] => {
    return [shortText(key, 64), plain(one, measure, depth + 1)];
  });
  const isCut = kept.length < all.length;
  if (isList) return [...kept.map(([, one]) => one ?? null), ...(isCut ? [cutMark] : [])];
  return Object.fromEntries(isCut ? [...kept, ['cut', cutMark]] : kept);
}
