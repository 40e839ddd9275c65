import type { ParsedResult } from 'chrono-node/en';
import { parseDuration } from './duration.ts';

export interface ParseTimeOptions {
  /** Milliseconds since 1970 from which durations count back. */
  readonly now: number;
  /** Which end of a day is meant where only a day is said. */
  readonly edge: 'start' | 'end';
}

const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

const minute = 60_000;
const day = 24 * 60 * minute;
const spans: Readonly<Record<string, number>> = {
  second: 1000,
  sec: 1000,
  minute,
  min: minute,
  hour: 60 * minute,
  hr: 60 * minute,
  day,
  week: 7 * day,
  w: 7 * day,
};
const spanPattern =
  /^(\d{1,6}|an?)\s*(second|sec|minute|min|hour|hr|day|week|w|month|year)s?(?:\s+ago)?$/i;

/**
 * Milliseconds since 1970 of a time in words or digits: ISO 8601 (without a zone it is this machine's), a duration back
 * from now (`2h`, `7d`, `1 week`, `3 days ago`), else English (`yesterday at 5pm`). Throws a `RangeError` for anything
 * else.
 */
export async function parseTime(text: string, options: ParseTimeOptions): Promise<number> {
  const words = text.trim();
  const time =
    parseIso(words, options) ?? parseSpan(words, options) ?? (await natural(words, options));
  if (time === undefined || !Number.isFinite(time)) {
    throw new RangeError('is not a time: write for example 2h, "1 week ago" or 2026-01-31T17:00');
  }
  return time;
}

function parseIso(text: string, { edge }: ParseTimeOptions): number | undefined {
  const match = isoPattern.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, date = 0, hour = 0, minutes = 0, seconds = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const exists =
    month >= 1 &&
    month <= 12 &&
    date >= 1 &&
    date <= new Date(Date.UTC(year, month, 0)).getUTCDate() &&
    hour <= 23 &&
    minutes <= 59 &&
    seconds <= 59;
  if (!exists) throw new RangeError('is no day or time of the calendar');
  if (match[4] === undefined) return edgeOf(new Date(year, month - 1, date), edge);
  const millisecond = Number(`0.${match[7] ?? 0}`) * 1000;
  const zone = match[8];
  if (zone === undefined) {
    return new Date(year, month - 1, date, hour, minutes, seconds, millisecond).getTime();
  }
  const utc = Date.UTC(year, month - 1, date, hour, minutes, seconds, millisecond);
  return utc - offsetOf(zone) * minute;
}

/** Minutes east of UTC. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes = 0] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function parseSpan(text: string, { now }: ParseTimeOptions): number | undefined {
  const [, amount = '', unit = ''] = spanPattern.exec(text) ?? [];
  if (unit === '') {
    try {
      return now - parseDuration(text.replace(/\s+ago$/i, ''));
    } catch {
      return undefined;
    }
  }
  const count = /^an?$/i.test(amount) ? 1 : Number(amount);
  const span = spans[unit.toLowerCase()];
  if (span !== undefined) return now - count * span;
  return monthsBefore(now, /^month/i.test(unit) ? count : 12 * count);
}

/** The same day and time so many months earlier, or the last day of that month. */
function monthsBefore(now: number, months: number): number {
  const then = new Date(now);
  const date = then.getDate();
  then.setDate(1);
  then.setMonth(then.getMonth() - months);
  const last = new Date(then.getFullYear(), then.getMonth() + 1, 0).getDate();
  then.setDate(Math.min(date, last));
  return then.getTime();
}

async function natural(text: string, { now, edge }: ParseTimeOptions): Promise<number | undefined> {
  if (text === '' || text.length > 100) return undefined;
  const chrono = await import('chrono-node/en');
  const [result, ...more] = chrono.parse(text, new Date(now));
  // A piece of a text that was understood is not what was meant.
  if (result === undefined || more.length > 0 || result.text.length !== text.length)
    return undefined;
  const time = result.start.date();
  if (time.getTime() > now && !/\bnext\b/i.test(text)) goBack(time, result.start);
  const isDay =
    !result.start.isCertain('hour') && !/\b(ago|morning|noon|evening|night)\b/i.test(text);
  return isDay ? edgeOf(time, edge) : time.getTime();
}

/** `friday` and `5pm` are the last ones there were. */
function goBack(time: Date, said: ParsedResult['start']): void {
  if (said.isCertain('day')) return;
  time.setDate(time.getDate() - (said.isCertain('weekday') ? 7 : 1));
}

function edgeOf(time: Date, edge: 'start' | 'end'): number {
  const start = new Date(time.getFullYear(), time.getMonth(), time.getDate());
  if (edge === 'start') return start.getTime();
  return new Date(start.getFullYear(), start.getMonth(), start.getDate() + 1).getTime() - 1;
}
