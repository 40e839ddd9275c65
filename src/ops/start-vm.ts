import type { Ctx } from '../core/ctx.ts';
import type { VmRecord } from '../core/record.ts';
import type { Journal } from '../core/store.ts';
import { bootMachine, settle } from './boot.ts';
import { openAllowlist, requireClosable } from './egress.ts';
import { takeHardLinksApart } from './hard-links.ts';
import { requireUnshared } from './own-places.ts';
import { proveCommand } from './prove-command.ts';
import { waitForPorts } from './ready.ts';
import { secondsSince, type Timings } from './timings.ts';

/**
 * Boots a VM that exists and waits until it is ready. On failure its machine is taken back, unless all that is missing
 * is a port that does not answer: then it is a machine worth looking at.
 */
export async function startVm(
  ctx: Ctx,
  record: VmRecord,
  { journal, wait }: { journal: Journal; wait: boolean },
): Promise<{ timings: Timings }> {
  const { name, plan } = record;
  const driver = await ctx.driver(plan.driver);
  requireClosable(driver, plan);
  await requireUnshared(ctx);
  await driver.grow(ctx.store.paths.vm(name).disk, plan.disk, ctx.io);
  await takeHardLinksApart(ctx, plan.shares, journal);
  const booted = await journal.step(
    'its machine',
    { kind: 'stop-machine', driver: plan.driver, name },
    () => bootMachine(ctx, record),
  );
  const timings: Timings = { t_agent: secondsSince(ctx) };
  try {
    ctx.io.emit({ kind: 'phase', id: 'shares', title: 'Checking the shared directories' });
    await settle(ctx, booted);
    await openAllowlist(ctx, booted);
    await ctx.setup.tellEgress(booted.setup, await ctx.setup.workstation(ctx.io), ctx.io);
    await proveCommand(ctx, booted);
    timings.t_command = secondsSince(ctx);
    await journal.commit();
    if (wait) {
      await waitForPorts(ctx, booted.record, booted.guest);
      timings.t_ports = secondsSince(ctx);
    }
  } finally {
    await booted.guest.close();
  }
  return { timings };
}
