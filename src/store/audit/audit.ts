import type { Audit, AuditEntry } from '../../core/audit.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import { uninterrupted } from '../../core/quiet-io.ts';
import { timeOfOperation } from '../../lib/operation-id.ts';
import { anchorLine } from './anchor.ts';
import { ensureLog, hasBallast, makeBallast, mendEnd, rotate } from './files.ts';
import { formatHead, formatLine } from './line.ts';
import { type AuditPlace, auditFiles } from './place.ts';
import { hasEntry, lastLink } from './tail.ts';

/** Size at which the current segment becomes an older one. */
const usualSegmentBytes = 64 * 1024 * 1024;
/** Nobody keeps the log for longer than a few file operations, but many may wait. */
const lockWaitMilliseconds = 15_000;

/**
 * The writing half of the audit log, as `Audit` promises. Touches nothing until it is asked to. `append` is deaf to an
 * abort: what was done is written down.
 */
export function createAudit(
  place: AuditPlace,
  { segmentBytes = usualSegmentBytes }: { readonly segmentBytes?: number } = {},
): Audit {
  return {
    reserve: (io) => reserve(place, io),
    yieldRoom: () => place.host.files.remove(auditFiles(place.paths).ballast),
    append: (entry, io) =>
      withAuditLock(place, uninterrupted(io), async () => {
        try {
          await appendLine({ ...place, segmentBytes }, entry, io);
        } catch (error) {
          if (!isFull(error)) throw error;
          await place.host.files.remove(auditFiles(place.paths).ballast);
          await appendLine({ ...place, segmentBytes }, entry, io);
        }
      }),
  };
}

async function withAuditLock(
  { host, paths }: AuditPlace,
  io: Io,
  action: () => Promise<void>,
): Promise<void> {
  const what = 'the audit log';
  const held = await host.lock(auditFiles(paths).lock, io, { what, wait: lockWaitMilliseconds });
  try {
    await action();
  } finally {
    await held.release();
  }
}

async function reserve(place: AuditPlace, io: Io): Promise<void> {
  if (await isReady(place)) return;
  try {
    await withAuditLock(place, io, async () => {
      await ensureLog(place);
      if (!(await hasBallast(place))) await makeBallast(place);
    });
    if (await place.host.canOpen(auditFiles(place.paths).current)) return;
  } catch (error) {
    throw unwritable(place, error);
  }
  throw unwritable(place);
}

async function isReady(place: AuditPlace): Promise<boolean> {
  const [hasRoom, isOpen] = await Promise.all([
    hasBallast(place),
    place.host.canOpen(auditFiles(place.paths).current),
  ]);
  return hasRoom && isOpen;
}

function unwritable({ paths }: AuditPlace, cause?: unknown): unknown {
  if (cause !== undefined && !isCloneboxError(cause, 'host-unable')) return cause;
  const reason = cause === undefined ? 'no permission' : cause.message;
  const { directory } = auditFiles(paths);
  return new CloneboxError('host-unable', `nothing can be written to the audit log: ${reason}`, {
    hint: isFull(cause)
      ? 'Nothing was changed. Free some space (`clonebox image prune`, `clonebox list`), then try again.'
      : `Nothing was changed. Make ${directory} writable, or point CLONEBOX_HOME elsewhere.`,
    facts: { path: directory, ...(cause?.facts ?? {}) },
    cause,
  });
}

function isFull(error: unknown): boolean {
  if (!isCloneboxError(error)) return false;
  return error.facts.errno === 'ENOSPC' || error.facts.errno === 'EDQUOT';
}

async function appendLine(
  place: AuditPlace & { readonly segmentBytes: number },
  entry: AuditEntry,
  io: Io,
): Promise<void> {
  const { files } = place.host;
  const { current, head } = auditFiles(place.paths);
  await ensureLog(place);
  await mendEnd(place);
  if (await hasEntry(place, entry.id, timeOfOperation(entry.id))) {
    // Its writer may have died before it noted it.
    await files.overwriteSynced(head, formatHead(await lastLink(place)));
    return;
  }
  const { text, link } = formatLine(entry, await lastLink(place));
  try {
    await rotate(place, place.segmentBytes);
  } catch (error) {
    // A segment that grows too long is better than a line that is lost.
    io.log.warn('audit.rotate.failed', { reason: reasonOf(error) });
  }
  await ensureLog(place);
  await files.appendSynced(current, text);
  await files.overwriteSynced(head, formatHead(link));
  await anchorLine(place, { link, id: entry.id }, io);
}
