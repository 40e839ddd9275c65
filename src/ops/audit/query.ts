import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import { quoted } from '../../lib/printable.ts';
import type { AuditRecord } from '../../store/audit/event.ts';
import type { AuditFilter } from '../../store/audit/filter.ts';
import { findRecords } from '../../store/audit/find.ts';

export type { AuditFilter, AuditRecord };

/** Events of the audit log, newest first. */
export interface AuditEvents {
  readonly events: readonly AuditRecord[];
}

/** One event, and those that belong to it. */
export interface AuditStory {
  readonly event: AuditRecord;
  readonly parent: AuditRecord | null;
  /** Its parts, oldest first. */
  readonly children: readonly AuditRecord[];
  /** Others of the same command line, or with the same CLONEBOX_CORRELATION, oldest first. */
  readonly related: readonly AuditRecord[];
}

/** More events that an id could mean are not named. */
const mostLike = 5;
/** More relatives than this are not shown. */
const mostRelatives = 1000;

/** The newest events that are asked for. Creates nothing; damaged lines are left out and told of in a warning. */
export async function findAuditEvents(
  ctx: Ctx,
  filter: AuditFilter,
  limit: number,
): Promise<AuditEvents> {
  const events: AuditRecord[] = [];
  let damaged = 0;
  const options = { order: 'newest first', io: ctx.io, limit } as const;
  for await (const batch of findRecords(placeOf(ctx), filter, options)) {
    events.push(...batch.found.map(({ record }) => record));
    damaged += batch.damaged;
  }
  warnOfDamage(ctx, damaged);
  return { events };
}

/** Where the log of this graph is. */
export function placeOf({ host, store }: Ctx) {
  return { host, paths: store.paths };
}

/** Tells that lines were left out. */
export function warnOfDamage(ctx: Ctx, damaged: number): void {
  if (damaged === 0) return;
  const lines = damaged === 1 ? '1 damaged line was' : `${damaged} damaged lines were`;
  const text = `${lines} left out: see what is wrong with clonebox audit verify`;
  ctx.io.emit({ kind: 'warning', text });
}

/**
 * The event with this id, or with this beginning or end of one, and what belongs to it. Fails with `not-found`, and
 * with `usage` when there is more than one.
 */
export async function showAuditEvent(ctx: Ctx, id: string): Promise<AuditStory> {
  const { events } = await findAuditEvents(ctx, { id }, mostLike);
  const event = events.find((one) => one.id === id) ?? events[0];
  if (event === undefined) {
    throw new CloneboxError('not-found', `no event has the id ${quoted(id)}`, {
      hint: 'See what there is: clonebox audit list',
      facts: { id },
    });
  }
  if (event.id !== id && events.length > 1) {
    const ids = events.map((one) => one.id);
    throw new CloneboxError('usage', `${quoted(id)} is a part of more than one id`, {
      hint: `Say more of it: ${ids.join(', ')}`,
      facts: { id, ids },
    });
  }
  const find = async (filter: AuditFilter) =>
    (await findAuditEvents(ctx, filter, mostRelatives)).events.toReversed();
  const parents = event.parent === null ? [] : await find({ id: event.parent });
  const children = await find({ parent: event.id });
  const shown = new Set([event.id, event.parent, ...children.map((child) => child.id)]);
  const siblings = await find({ correlation: event.correlation });
  return {
    event,
    parent: parents[0] ?? null,
    children,
    related: siblings.filter((one) => !shown.has(one.id)),
  };
}
