import type { Ctx } from '../../core/ctx.ts';
import { isCloneboxError, reasonOf } from '../../core/errors.ts';
import { memberName } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { makeDisk } from '../begin.ts';
import { bootMachine } from '../boot.ts';
import { takeHardLinksApart } from '../hard-links.ts';
import { makeKeys } from '../make-keys.ts';
import { availableMemory, neededMemory } from '../memory-room.ts';
import { newRecord } from '../new-record.ts';
import { journaled, operation } from '../operation.ts';
import type { Beginning, Parts } from '../templates/choose.ts';
import { inTurn } from '../turns.ts';
import { sweepPool } from './end.ts';
import { fits, isWaiting, memberMode, waitingMembers } from './members.ts';

/** How full a pool is. */
export interface PoolLevel {
  readonly waiting: number;
  readonly wanted: number;
  /** Why there are not as many as wanted. */
  readonly reason: string | null;
}

interface Filling {
  readonly plan: VmPlan;
  readonly parts: Parts & { readonly reference: string };
  readonly beginning: Extract<Beginning, { path: 'warm' }>;
}

/**
 * Sees to it that the pool of a plan is as it should be, no more and no less, and ends whatever of any pool nobody can
 * claim. What keeps it from being full is no failure.
 */
export async function fillPool(ctx: Ctx, filling: Filling): Promise<PoolLevel> {
  const { plan, beginning } = filling;
  const wanted = plan.templates.pool;
  let waiting = 0;
  await sweepPool(ctx, async (member) => {
    if (member.plan.name !== plan.name) return isWaiting(ctx, member);
    if (waiting >= wanted || !(await fits(ctx, member, { plan, ...beginning }))) return false;
    waiting += 1;
    return true;
  });
  for (; waiting < wanted; waiting++) {
    const reason = await whyNoMore(ctx, filling);
    if (reason !== undefined) return { waiting, wanted, reason };
    const title = `Filling the pool of ${plan.name}: ${waiting + 1} of ${wanted}`;
    ctx.io.emit({ kind: 'phase', id: 'pool', title });
    try {
      await addMember(ctx, filling);
    } catch (error) {
      ctx.io.signal.throwIfAborted();
      if (!isCloneboxError(error)) throw error;
      return { waiting, wanted, reason: reasonOf(error).split('\n')[0] ?? 'it failed' };
    }
  }
  return { waiting, wanted, reason: null };
}

/** How full the pool of a plan is whose memory cannot be kept: it is ended. */
export async function noPool(ctx: Ctx, plan: VmPlan, reason: string): Promise<PoolLevel> {
  await sweepPool(ctx, async (member) => member.plan.name !== plan.name && isWaiting(ctx, member));
  const wanted = plan.templates.pool;
  return { waiting: 0, wanted, reason: wanted === 0 ? null : reason };
}

/** How full it is now. Changes nothing. */
export async function poolLevel(ctx: Ctx, plan: VmPlan, reason: string): Promise<PoolLevel> {
  const waiting = (await waitingMembers(ctx, plan.name)).length;
  const wanted = plan.templates.pool;
  return { waiting, wanted, reason: waiting < wanted ? reason : null };
}

/** A pool is a convenience: half of the host's memory is not for it. */
async function whyNoMore(ctx: Ctx, { plan, beginning }: Filling): Promise<string | undefined> {
  const needed = neededMemory(plan, beginning.warm, memberMode(plan));
  const available = await availableMemory(ctx);
  if (available - needed >= ctx.host.memoryBytes / 2) return undefined;
  return `one more needs ${formatBytes(needed)}, and of the ${formatBytes(available)} of memory that are left half of the host's stays free`;
}

function addMember(ctx: Ctx, { plan, parts, beginning }: Filling): Promise<void> {
  const name = memberName(plan.name);
  const target = { type: 'vm', name: plan.name } as const;
  return operation(ctx, { event: 'pool.add', target }, (op) =>
    op.ctx.store.withLock(name, op.ctx.io, () =>
      journaled(
        op,
        async (journal) => {
          const { host, store } = op.ctx;
          const paths = store.paths.vm(name);
          const { driver, image } = parts;
          const own = (path: string) => ({ kind: 'remove-path', path }) as const;
          const about = { name, ...parts, beginning, leases: [], now: host.now(), overrides: {} };
          const made = newRecord(plan, about);
          const record = { ...made, phase: 'pooled' } as const;
          await journal.step('its directory', own(paths.directory), () =>
            host.files.makeDirectory(paths.directory),
          );
          await journal.step('its record', own(paths.record), () => store.write(made));
          await journal.step('its disk', own(paths.disk), () =>
            makeDisk(op.ctx, { record, driver, image, beginning }),
          );
          await journal.step('its keys', own(paths.key), () => makeKeys(op.ctx, record));
          // Its guest runs from now on, and has the shares: nobody has claimed it, and it may write.
          await takeHardLinksApart(op.ctx, plan.shares, journal);
          const stop = { kind: 'stop-machine', driver: driver.name, name } as const;
          await inTurn(op.ctx, plan, () =>
            journal.step('its machine', stop, async () => {
              const memory = { ...beginning.warm.memory, mode: memberMode(plan) };
              const { guest } = await bootMachine(op.ctx, record, { kind: 'memory', memory });
              await guest.close();
              // Nobody has asked for it yet: until somebody does, nothing in it runs.
              await driver.memory?.hold(name, op.ctx.io);
            }),
          );
          await store.write(record);
        },
        name,
      ),
    ),
  );
}
