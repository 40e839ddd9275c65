import type { Io } from '../../core/io.ts';
import { type Anchors, readAnchors } from './anchor.ts';
import { blocksForward, linesOf } from './blocks.ts';
import { type ChainCheck, type ChainProblem, missingLines, startChainCheck } from './chain.ts';
import { type Link, parseHead, readLink } from './line.ts';
import { type AuditPlace, auditFiles, currentName } from './place.ts';
import { openLog, type Segment } from './segments.ts';

/** What a check of the whole log found. */
export interface VerifyResult {
  readonly ok: boolean;
  /** Lines that fit, up to the first problem. */
  readonly events: number;
  readonly segments: number;
  /** Hash of the last line: to be kept elsewhere. `null` for an empty log. */
  readonly head: string | null;
  readonly problem: ChainProblem | null;
  /** How many lines the log of the system has too; `null` when this user may not read that. */
  readonly anchored: number | null;
  /** What is not as usual, but no sign of a change. */
  readonly notes: readonly string[];
}

export interface VerifyOptions {
  readonly io: Io;
  /** A hash that one of the lines must have. */
  readonly expect?: string | undefined;
  /** Whether there is something that must have left lines. */
  readonly isUsed?: boolean;
}

interface Walk {
  readonly check: ChainCheck;
  readonly noted: Link | undefined;
  readonly expect: string | undefined;
  readonly anchors: Anchors | undefined;
  /** Hash and place of the line that `head` named when the walk began, and place of the one after it. */
  notedHash?: string;
  beyond?: { readonly file: string; readonly line: number };
  hasExpected: boolean;
  torn: number;
}

/** A log that is written to faster than it is read would never be done with. */
const mostWalks = 5;

/** Checks every line of the log, without a lock: what is appended meanwhile may or may not be checked. */
export async function verifyLog(place: AuditPlace, options: VerifyOptions): Promise<VerifyResult> {
  for (let walks = 1; ; walks += 1) {
    const { result, isOfHead, noted } = await verifyOnce(place, options);
    if (!isOfHead || walks === mostWalks) return result;
    // Where head does not fit, it may have been read while it was written.
    const now = await readHead(place);
    if (now?.seq === noted?.seq && now?.hash === noted?.hash) return result;
  }
}

async function verifyOnce(
  place: AuditPlace,
  { io, expect, isUsed = false }: VerifyOptions,
): Promise<{ result: VerifyResult; isOfHead: boolean; noted: Link | undefined }> {
  const walk: Walk = {
    check: startChainCheck(),
    // Read before the lines: it never names one that is not there yet.
    noted: await readHead(place),
    expect,
    // Before the lines too, for the same reason.
    anchors: await readAnchors(place, io),
    hasExpected: expect === undefined,
    torn: 0,
  };
  const { check, noted } = walk;
  const log = await openLog(place);
  try {
    let problem: ChainProblem | undefined;
    for (const segment of log.segments) {
      problem = await walkSegment(segment, walk, io);
      if (problem !== undefined) break;
    }
    problem ??= check.end(noted);
    const ofHead = problem === undefined ? await endProblem(place, walk) : undefined;
    problem ??= ofHead ?? rewritten(walk) ?? cutOff(walk, isUsed);
    const result: VerifyResult = {
      ok: problem === undefined,
      events: check.last.seq,
      segments: log.segments.length,
      head: check.last.seq === 0 ? null : check.last.hash,
      problem: problem ?? null,
      anchored: walk.anchors === undefined ? null : walk.anchors.size,
      notes: problem === undefined ? notesOf(walk) : [],
    };
    return { result, isOfHead: ofHead !== undefined, noted };
  } finally {
    await log.close();
  }
}

async function readHead({ host, paths }: AuditPlace): Promise<Link | undefined> {
  return parseHead(await host.files.readText(auditFiles(paths).head));
}

async function walkSegment(
  segment: Segment,
  walk: Walk,
  io: Io,
): Promise<ChainProblem | undefined> {
  const file = await segment.open();
  if (file === undefined) return undefined;
  const { check, noted, expect, anchors } = walk;
  let line = 0;
  try {
    const blocks = blocksForward(file);
    for (;;) {
      io.signal.throwIfAborted();
      const block = await blocks.next();
      if (block.done) {
        return endOfSegment(segment, { walk, torn: block.value.torn, line: line + 1 });
      }
      for (const bytes of linesOf(block.value)) {
        line += 1;
        const place = { file: segment.name, line };
        const link = readLink(bytes);
        const known = link && anchors?.get(link.seq);
        if (link && known && [...known].some((hash) => hash !== link.hash))
          return { kind: 'changed', ...place, message: notAnchored };
        const problem = check.see(link, place);
        if (problem !== undefined) return problem;
        if (link === undefined) continue;
        if (link.seq === noted?.seq) walk.notedHash = link.hash;
        if (link.seq === (noted?.seq ?? 0) + 1) walk.beyond = place;
        if (link.hash === expect) walk.hasExpected = true;
      }
    }
  } finally {
    await file.close();
  }
}

function endOfSegment(
  { name }: Segment,
  { walk, torn, line }: { walk: Walk; torn: number; line: number },
): ChainProblem | undefined {
  const { check, noted } = walk;
  walk.torn = torn;
  const wasNoted = noted !== undefined && noted.seq > check.last.seq;
  if (torn === 0 || (name === currentName && !wasNoted)) return undefined;
  // Taken as a line, so that one that was bad before it is named first.
  return check.see(undefined, { file: name, line }) ?? check.end(undefined);
}

/** What only `head` can tell. */
async function endProblem(place: AuditPlace, walk: Walk): Promise<ChainProblem | undefined> {
  const { check, noted, notedHash } = walk;
  const { seq } = check.last;
  if (noted === undefined) {
    if (seq === 0) return undefined;
    const message = 'is missing or damaged: lines may have been removed from the end of the log';
    return { kind: 'removed', file: 'head', line: null, message };
  }
  if (noted.seq > seq) {
    const file = check.lastPlace?.file ?? currentName;
    const message = `is the end of the log, but ${missingLines(seq + 1, noted.seq)} removed after it`;
    return { kind: 'removed', file, line: check.lastPlace?.line ?? null, message };
  }
  if (noted.seq > 0 && notedHash !== noted.hash) {
    const message = `names another hash for line number ${noted.seq}: either was changed`;
    return { kind: 'changed', file: 'head', line: null, message };
  }
  const now = await readHead(place);
  if (walk.beyond === undefined || seq <= (now?.seq ?? 0) + 1) return undefined;
  const message = `was inserted: the log ended before it, says head`;
  return { kind: 'inserted', ...walk.beyond, message };
}

function rewritten({ hasExpected, expect }: Walk): ChainProblem | undefined {
  if (hasExpected) return undefined;
  const message = `has no line with the hash ${expect}: it was written anew, or lines were removed from its end`;
  return { kind: 'changed', file: 'the log', line: null, message };
}

const notAnchored = 'is not what the log of the system has of it: it was written anew';

/** What the log of the system has of lines that are gone, with all that came after them. */
function cutOff({ check, anchors }: Walk, isUsed: boolean): ChainProblem | undefined {
  const { seq } = check.last;
  const last = Math.max(0, ...(anchors?.keys() ?? []));
  const place = { kind: 'removed', file: 'the log', line: null } as const;
  if (last > seq) {
    const missing = missingLines(seq + 1, last);
    return { ...place, message: `ends before what the log of the system has: ${missing} removed` };
  }
  if (seq > 0 || !isUsed) return undefined;
  return { ...place, message: 'is empty, and there are VMs: each has left lines in it' };
}

function notesOf({ check, noted, torn }: Walk): string[] {
  return [
    ...(torn > 0
      ? [`${torn} bytes of an unfinished line at the end; the next line written removes them`]
      : []),
    ...(noted !== undefined && check.last.seq > noted.seq
      ? ['the last line is not noted in head yet: its writer is at it, or was interrupted']
      : []),
  ];
}
