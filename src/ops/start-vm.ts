import type { Ctx } from '../core/ctx.ts';
import type { VmRecord } from '../core/record.ts';
import { bootMachine, settle } from './boot.ts';
import { proveCommand, secondsSince, type Timings } from './create-vm.ts';
import { waitForPorts } from './ready.ts';

/** Boots a VM that exists and waits until it is ready. The VM's lock must be held; on failure it is stopped again. */
export async function startVm(
  ctx: Ctx,
  record: VmRecord,
  options: { wait: boolean },
): Promise<{ timings: Timings }> {
  const driver = await ctx.driver(record.plan.driver);
  await driver.grow(ctx.store.paths.vm(record.name).disk, record.plan.disk, ctx.io);
  const booted = await bootMachine(ctx, record, { keepOnFailure: false });
  const timings: Timings = { t_agent: secondsSince(ctx) };
  try {
    ctx.io.emit({ kind: 'phase', id: 'shares', title: 'Checking the shared directories' });
    await settle(ctx, booted);
    await proveCommand(ctx, booted);
    timings.t_command = secondsSince(ctx);
    if (options.wait) {
      await waitForPorts(ctx, booted.record, booted.guest);
      timings.t_ports = secondsSince(ctx);
    }
  } catch (error) {
    // A port that does not answer leaves a machine worth looking at; anything before that is no start.
    if (timings.t_command === undefined) {
      await driver.stop(
        record.name,
        { ...ctx.io, signal: AbortSignal.timeout(30_000) },
        { grace: 0 },
      );
    }
    throw error;
  } finally {
    await booted.guest.close();
  }
  return { timings };
}
