import type { Ctx } from '../core/ctx.ts';
import type { Driver, Started } from '../core/driver.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Egress, VmPlan } from '../core/plan.ts';
import type { Booted } from './boot.ts';
import { machineSpec } from './machine-spec.ts';

/** Fails with `host-unable` when a plan wants a network that its driver cannot close. */
export function requireClosable(driver: Driver, { egress }: VmPlan): void {
  if (egress === 'full' || driver.closeNetwork !== undefined) return;
  throw new CloneboxError(
    'host-unable',
    `the driver ${driver.name} cannot close a network, and the file says egress: ${egress}`,
    { hint: 'Use vm.driver: qemu.', facts: { driver: driver.name, egress } },
  );
}

/**
 * Closes the network of a machine that has just been provisioned, when its plan says so: what was started in it until now
 * loses its connections. A failure must end the machine.
 */
export async function closeEgress(ctx: Ctx, { driver, record, started }: Booted): Promise<void> {
  const { egress } = record.plan;
  if (egress === 'full') return;
  requireClosable(driver, record.plan);
  ctx.io.emit({ kind: 'phase', id: 'egress', title: `Closing the network (egress: ${egress})` });
  const spec = machineSpec(ctx, record, started.shareDriver ?? '9p');
  await driver.closeNetwork?.(spec, ctx.io);
}

/** What a running machine's guest reaches now: a changed file counts from the next start on. */
export function egressOf({ network }: Started): Egress {
  return network.egress === 'closed' ? 'none' : 'full';
}
