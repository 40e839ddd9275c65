import type { Ctx } from '../core/ctx.ts';
import { uninterrupted } from '../core/quiet-io.ts';
import type { Swap } from '../core/store.ts';

/** Milliseconds the old machine has to power off by itself. */
const grace = 30_000;

/**
 * Stops the old VM and puts the new one in its place; the old one goes to the trash. May be repeated, at whatever point
 * the last one died; an interrupt does not end it.
 */
export async function swapVm(ctx: Ctx, swap: Swap & { readonly driver: string }): Promise<void> {
  const io = uninterrupted(ctx.io);
  const { beside, name } = swap;
  // Once the new one has its place, a machine of this name is the new one's.
  const isDone = (await ctx.host.files.facts(ctx.store.paths.vm(beside).directory)) === undefined;
  const machines = isDone ? [beside] : [beside, name];
  const driver = await ctx.driver(swap.driver);
  for (const machine of machines) {
    await driver.stop(machine, io, { grace: machine === name ? grace : 0 });
    await driver.remove(machine, io);
  }
  await ctx.store.swap(swap, io);
}
