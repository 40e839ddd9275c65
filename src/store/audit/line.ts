import { hash as digest } from 'node:crypto';
import type { AuditEntry } from '../../core/audit.ts';
import { boundedEntry } from './bounded.ts';

// A line: {"seq":N,"prev":"HASH","id":…,"time":…,…,"hash":"HASH"}. `hash` is of all bytes before `,"hash"`, `prev` is
// the hash of the line before, over all segments.

/** A line as the next one needs it. */
export interface Link {
  readonly seq: number;
  readonly hash: string;
}

/** What stands before the first line. */
export const origin: Link = { seq: 0, hash: '0'.repeat(64) };

const hashKey = ',"hash":"';
const hashEnd = '"}';
const hashPart = hashKey.length + 64 + hashEnd.length;
/** The longest beginning of a line that holds its number and `prev`. */
const linkPart = 7 + 16 + 9 + 64 + 2;
const linkPattern = /^\{"seq":([1-9]\d{0,15}),"prev":"([0-9a-f]{64})",/;

/** The line that comes after `before`, with its newline; without secrets and of bounded length. */
export function formatLine(entry: AuditEntry, before: Link): { text: string; link: Link } {
  const seq = before.seq + 1;
  const format = (content: AuditEntry) => {
    const body = JSON.stringify({ seq, prev: before.hash, ...content }).slice(0, -1);
    return { body, hash: digest('sha256', body, 'hex') };
  };
  const text = ({ body, hash }: { body: string; hash: string }) =>
    `${body}${hashKey}${hash}${hashEnd}\n`;
  const line = format(boundedEntry(entry, (bounded) => text(format(bounded))));
  return { text: text(line), link: { seq, hash: line.hash } };
}

/** A line as the check of the chain sees it. */
export interface ReadLink extends Link {
  readonly prev: string;
}

/** Number, `prev` and hash of a line without its newline, or `undefined` when its bytes are not what its hash says. */
export function readLink(line: Buffer): ReadLink | undefined {
  const bodyEnd = line.length - hashPart;
  if (bodyEnd <= 0) return undefined;
  const end = line.toString('latin1', bodyEnd);
  if (!end.startsWith(hashKey) || !end.endsWith(hashEnd)) return undefined;
  const [, seq, prev = ''] = linkPattern.exec(line.toString('latin1', 0, linkPart)) ?? [];
  if (seq === undefined) return undefined;
  const hash = end.slice(hashKey.length, -hashEnd.length);
  if (digest('sha256', line.subarray(0, bodyEnd), 'hex') !== hash) return undefined;
  return { seq: Number(seq), prev, hash };
}

/** The line of `head`: of a fixed size, so that it is overwritten in place. */
export function formatHead({ seq, hash }: Link): string {
  return `${String(seq).padStart(16, '0')} ${hash}\n`;
}

/** Reads `head`; `undefined` when it is not one. */
export function parseHead(text: string | undefined): Link | undefined {
  const [, seq, hash] = /^(\d{16}) ([0-9a-f]{64})\n$/.exec(text ?? '') ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
