import type { Ctx } from '../../core/ctx.ts';
import { isCloneboxError } from '../../core/errors.ts';
import { type VmName, waitsFor } from '../../core/name.ts';
import { uninterrupted } from '../../core/quiet-io.ts';
import type { VmRecord } from '../../core/record.ts';
import { journaled, operation } from '../operation.ts';

/** Ends every machine of the pool, or those that wait for a VM of this name, but not one that is being claimed. */
export async function endPool(ctx: Ctx, vm?: VmName): Promise<void> {
  await sweepPool(ctx, async ({ plan }) => vm !== undefined && plan.name !== vm);
}

/**
 * Settles what crashes left of the pool and ends the machines that nobody can claim or `keep` does not want. One that
 * another process works with is left alone.
 */
export async function sweepPool(
  ctx: Ctx,
  keep: (member: VmRecord) => Promise<boolean>,
): Promise<void> {
  for (const name of await ctx.store.members()) {
    try {
      await ctx.store.withLock(name, ctx.io, async () => {
        await ctx.store.recover(name, ctx.io);
        const member = await ctx.store.read(name).catch(() => undefined);
        if (member === undefined || !(await keep(member))) await endMember(ctx, name, member);
      });
    } catch (error) {
      if (!isCloneboxError(error, 'conflict')) throw error;
      ctx.io.log.debug('pool.left-alone', { member: name, reason: error.message });
    }
  }
}

async function endMember(ctx: Ctx, name: VmName, member: VmRecord | undefined): Promise<void> {
  const isThere = (await ctx.host.files.facts(ctx.store.paths.vm(name).directory)) !== undefined;
  if (!isThere) return ctx.store.forgetMember(name);
  const target = { type: 'vm', name: waitsFor(name) ?? name } as const;
  const finish = { kind: 'end-member', driver: member?.plan.driver ?? 'qemu', name } as const;
  await operation(ctx, { event: 'pool.end', target, makesRoom: true }, (op) =>
    journaled(
      op,
      (journal) => journal.finish('out of the pool', finish, () => endMachine(op.ctx, finish)),
      name,
    ),
  );
}

/** Stops a machine of the pool and removes everything of it. May be repeated; an interrupt does not end it. */
export async function endMachine(
  ctx: Ctx,
  { driver: driverName, name }: { driver: string; name: VmName },
): Promise<void> {
  const io = uninterrupted(ctx.io);
  const isThere = (await ctx.host.files.facts(ctx.store.paths.vm(name).directory)) !== undefined;
  // Without it, what has its name in its arguments may be a VM by now.
  if (isThere) {
    const driver = await ctx.driver(driverName);
    await driver.stop(name, io, { grace: 0 });
    await driver.remove(name, io);
  }
  await ctx.store.forgetMember(name);
}
