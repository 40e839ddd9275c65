import type { Ctx } from '../../core/ctx.ts';
import { isCloneboxError } from '../../core/errors.ts';
import type { VmName } from '../../core/name.ts';
import type { VmRecord } from '../../core/record.ts';
import type { Journal } from '../../core/store.ts';
import { fits, readMembers, type Wanted } from './members.ts';

export interface Claim extends Wanted {
  readonly journal: Journal;
  /** The name that the VM is kept under, whose lock is held. */
  readonly name: VmName;
}

/**
 * Acts with a machine of the pool that fits, whose directory is that of the VM then, or with `undefined` when none does.
 * Its own name is forgotten when `action` has returned; when it throws, the journal ends the machine.
 */
export async function withMember<T>(
  ctx: Ctx,
  claim: Claim | undefined,
  action: (member: VmRecord | undefined) => Promise<T>,
): Promise<T> {
  if (claim === undefined || claim.plan.templates.pool === 0) return action(undefined);
  for (const member of await readMembers(ctx, claim.plan.name)) {
    let isTaken = false;
    try {
      return await ctx.store.withLock(member.name, ctx.io, async () => {
        if (!(await isFree(ctx, member, claim))) throw unfit;
        isTaken = true;
        await take(ctx, member, claim);
        const result = await action(member);
        await ctx.store.forgetMember(member.name);
        return result;
      });
    } catch (error) {
      if (isTaken || (error !== unfit && !isCloneboxError(error, 'conflict'))) throw error;
    }
  }
  return action(undefined);
}

const unfit = Symbol('it does not fit');

/** Looks again, with its lock held. */
async function isFree(ctx: Ctx, { name }: VmRecord, claim: Claim): Promise<boolean> {
  if ((await ctx.store.unfinished(name)).length > 0) return false;
  const member = await ctx.store.read(name).catch(() => undefined);
  return member !== undefined && (await fits(ctx, member, claim));
}

async function take(ctx: Ctx, member: VmRecord, { journal, name }: Claim): Promise<void> {
  const { driver } = member.plan;
  const from = ctx.store.paths.vm(member.name).directory;
  const { directory } = ctx.store.paths.vm(name);
  const stop = { kind: 'stop-machine', driver, name: member.name } as const;
  await journal.step('a machine of the pool', stop, async () => {});
  await journal.step('its directory', { kind: 'remove-path', path: directory }, () =>
    ctx.host.files.rename(from, directory),
  );
}
