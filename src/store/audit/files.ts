import { randomBytes } from 'node:crypto';
import { longestLine } from './bounded.ts';
import { formatHead, origin, parseHead, readLink } from './line.ts';
import { type AuditPlace, auditFiles, segmentName, segmentNumbers } from './place.ts';
import { lastLine } from './tail.ts';

const ballastBytes = 64 * 1024;

/** Makes directory, head and current segment, if they are not there, so that a power cut leaves them. */
export async function ensureLog({ host: { files }, paths }: AuditPlace): Promise<void> {
  const { directory, current, head } = auditFiles(paths);
  if ((await files.facts(current)) !== undefined) return;
  await files.makeDirectory(directory, 0o700);
  if ((await files.facts(head)) === undefined) {
    await files.overwriteSynced(head, formatHead(origin));
  }
  await files.appendSynced(current, '');
  await files.sync(directory);
}

/** True when the ballast is there with all its bytes on the disk: a sparse one would free nothing. */
export async function hasBallast({ host, paths }: AuditPlace): Promise<boolean> {
  const facts = await host.files.facts(auditFiles(paths).ballast);
  return facts !== undefined && facts.size === ballastBytes && facts.allocated >= ballastBytes;
}

/** Random, so that no file system packs it into less. */
export async function makeBallast({ host, paths }: AuditPlace): Promise<void> {
  await host.files.writeAtomic(auditFiles(paths).ballast, randomBytes(ballastBytes), 0o600);
}

/**
 * Turns a current segment that is full into an older one. A crash at any point leaves a whole log: the name of the
 * current segment is made again by `ensureLog`.
 */
export async function rotate(place: AuditPlace, segmentBytes: number): Promise<void> {
  const { files } = place.host;
  const { directory, current } = auditFiles(place.paths);
  if (((await files.facts(current))?.size ?? 0) < segmentBytes) return;
  const last = (await segmentNumbers(place)).at(-1) ?? 0;
  await files.rename(current, `${directory}/${segmentName(last + 1)}`);
  await files.sync(directory);
}

/**
 * Looks after bytes behind the last newline. What a writer that died had not finished was never acknowledged and is
 * cut off; a whole line gets its newline; anything else is no torn line, but evidence: it is kept, on a line of its
 * own.
 */
export async function mendEnd(place: AuditPlace): Promise<void> {
  const { files } = place.host;
  const { current, head } = auditFiles(place.paths);
  const torn = await tornEnd(place);
  if (torn === undefined) return;
  const noted = parseHead(await files.readText(head))?.seq ?? 0;
  const wasAcknowledged = noted > ((await lastLine(place))?.seq ?? 0);
  if (wasAcknowledged || readLink(torn.bytes) !== undefined || torn.bytes.length >= longestLine) {
    await files.appendSynced(current, '\n');
  } else {
    await files.truncate(current, torn.offset);
  }
}

/** What follows the last newline of the current segment, at most a line of it. */
async function tornEnd(place: AuditPlace): Promise<{ bytes: Buffer; offset: number } | undefined> {
  const file = await place.host.files.open(auditFiles(place.paths).current);
  if (file === undefined) return undefined;
  try {
    const size = await file.size();
    const window = Buffer.alloc(Math.min(size, longestLine));
    await file.read(window, size - window.length);
    const bytes = window.subarray(window.lastIndexOf('\n') + 1);
    return bytes.length === 0 ? undefined : { bytes, offset: size - bytes.length };
  } finally {
    await file.close();
  }
}
