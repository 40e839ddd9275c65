import { type Block, blocksBackward, linesOf } from './blocks.ts';
import { type Link, origin, parseHead, readLink } from './line.ts';
import { type AuditPlace, auditFiles } from './place.ts';
import { openLog } from './segments.ts';

// What a writer looks up at the end of the log. Only under the lock.

/** Bytes read at a time from the end: one such block is enough but for an operation that took very long. */
const tailBytes = 1 << 16;
/** Ends of operations may be written down in another order than they had. */
const slack = 60_000;

/** The link the next line goes on from. */
export async function lastLink(place: AuditPlace): Promise<Link> {
  const { head: headFile } = auditFiles(place.paths);
  const head = parseHead(await place.host.files.readText(headFile)) ?? origin;
  const line = (await lastLine(place)) ?? origin;
  // Whoever took or changed the last lines does not get a chain that hides it: it goes on from what `head` says.
  return line.seq > head.seq ? line : head;
}

/** The last line whose hash is right, if one is in the last block that has lines. */
export async function lastLine(place: AuditPlace): Promise<Link | undefined> {
  for await (const block of tailBlocks(place)) {
    let last: Link | undefined;
    for (const line of linesOf(block)) last = readLink(line) ?? last;
    if (last !== undefined) return { seq: last.seq, hash: last.hash };
  }
  return undefined;
}

/**
 * True when a line with this id is there. A line is written when its operation ends, after the time in its id, so
 * older blocks need no look.
 */
export async function hasEntry(place: AuditPlace, id: string, started: number): Promise<boolean> {
  const own = new RegExp(`^\\{"seq":\\d+,"prev":"[0-9a-f]{64}","id":"${id}",`, 'm');
  for await (const block of tailBlocks(place)) {
    const text = block.bytes.toString('latin1');
    if (own.test(text)) return true;
    if (newest(text) < started - slack) return false;
  }
  return false;
}

/** The latest of the times in a block, in milliseconds since 1970. */
function newest(text: string): number {
  const times = text.matchAll(/^\{"seq":\d+,"prev":"[0-9a-f]{64}","id":"\w+","time":"([^"]+)"/gm);
  return Math.max(0, ...[...times].map(([, time = '']) => Date.parse(time) || 0));
}

async function* tailBlocks(place: AuditPlace): AsyncGenerator<Block> {
  const log = await openLog(place);
  try {
    for (const segment of log.segments.toReversed()) {
      const file = await segment.open();
      if (file === undefined) continue;
      try {
        yield* blocksBackward(file, tailBytes);
      } finally {
        await file.close();
      }
    }
  } finally {
    await log.close();
  }
}
