import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import type { SetupInput } from '../core/setup.ts';
import { withDeadline } from '../lib/deadline.ts';

/** The inside of a VM that runs, to be closed by its `guest.close`; `undefined` when it does not run. */
export async function openInside(ctx: Ctx, record: VmRecord): Promise<SetupInput | undefined> {
  const { name, plan } = record;
  const started = await (await ctx.driver(plan.driver)).running(name);
  if (started === undefined) return undefined;
  return { plan, record, guest: await ctx.openGuest(name), shareDriver: started.shareDriver };
}

/** Milliseconds for a guest that settles what a crash left: whoever waits wanted something else, perhaps to stop it. */
const patience = 60_000;

/**
 * Settles in a guest what a crash left there. False when its machine does not run, or its guest does not answer or fails:
 * that may not keep the next command on the VM from what it is to do.
 */
export async function settleInGuest(
  ctx: Ctx,
  name: VmName,
  act: (inside: SetupInput, io: Io) => Promise<void>,
): Promise<boolean> {
  const record = await ctx.store.read(name).catch(() => undefined);
  if (record === undefined) return false;
  const driver = await ctx.driver(record.plan.driver);
  // One that is paused, by a full disk for one, would never answer.
  const state = await driver.inspect(name, ctx.io);
  const isAwake = state.kind === 'running' || state.kind === 'starting';
  const inside = isAwake ? await openInside(ctx, record) : undefined;
  if (inside === undefined) return false;
  const silent = () => new CloneboxError('guest-failed', `the guest of ${name} does not answer`);
  const io = withDeadline(ctx.io, patience, silent);
  try {
    await inside.guest.waitReady(io);
    await act(inside, io);
    return true;
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    ctx.io.log.warn('guest.not-settled', { vm: name, reason: reasonOf(error) });
    return false;
  } finally {
    io.dispose();
    await inside.guest.close();
  }
}
