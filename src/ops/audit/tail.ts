import type { Ctx } from '../../core/ctx.ts';
import type { AuditRecord } from '../../store/audit/event.ts';
import { findRecords } from '../../store/audit/find.ts';
import { auditFiles } from '../../store/audit/place.ts';
import { findAuditEvents, placeOf } from './query.ts';

export interface TailInput {
  /** How many of the last events to begin with. */
  readonly count: number;
  readonly follow: boolean;
  readonly onEvents: (events: readonly AuditRecord[]) => void;
}

/** The log is looked at so often, in milliseconds, when there is something new to tell. */
const interval = 250;
/** Tells the last events, oldest first; with `follow` it goes on with what comes, over rotations, until the signal. */
export async function tailAudit(ctx: Ctx, { count, follow, onEvents }: TailInput): Promise<void> {
  const { head } = auditFiles(ctx.store.paths);
  let noted = await ctx.host.files.readText(head);
  const { events } = await findAuditEvents(ctx, {}, Math.max(1, count));
  let seen = events[0]?.seq ?? 0;
  if (count > 0) onEvents(events.toReversed());
  while (follow) {
    await ctx.host.sleep(interval, ctx.io.signal);
    const now = await ctx.host.files.readText(head);
    if (now === noted) continue;
    noted = now;
    const fresh = await eventsAfter(ctx, seen);
    seen = fresh.at(-1)?.seq ?? seen;
    onEvents(fresh);
  }
}

async function eventsAfter(ctx: Ctx, seen: number): Promise<AuditRecord[]> {
  const fresh: AuditRecord[] = [];
  for await (const { found } of findRecords(
    placeOf(ctx),
    {},
    { order: 'newest first', io: ctx.io },
  )) {
    const news = found.map(({ record }) => record).filter(({ seq }) => seq > seen);
    fresh.push(...news);
    if (news.length < found.length) break;
  }
  return fresh.reverse();
}
