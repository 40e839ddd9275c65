import type { Ctx } from '../core/ctx.ts';
import type { Driver, Started } from '../core/driver.ts';
import { egressFiles } from '../core/egress.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import type { Egress, VmPlan } from '../core/plan.ts';
import type { Booted } from './boot.ts';
import { machineSpec } from './machine-spec.ts';
import { openEgressTunnel } from './tunnels.ts';

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
  ctx.io.log.info('vm.egress.closed', { egress });
}

/** Opens the one way out of a guest with an allow-list: its proxy on this side, and the tunnel that leads there. */
export async function openAllowlist(ctx: Ctx, { record, started, guest }: Booted): Promise<void> {
  const { egress, allow } = record.plan;
  if (egress !== 'allowlist') return;
  const runtime = ctx.store.paths.runtimeOf(record.name);
  const settings = { allow, machine: started.process };
  await ctx.startEgressProxy({ runtime, settings }, ctx.io);
  await openEgressTunnel(ctx, record, guest);
}

export interface EgressStatus {
  readonly egress: Egress;
  /** Where it is written down what an allow-list did not let through. */
  readonly refusals: string | null;
}

/** What a running machine's guest reaches now, by what runs: a changed file counts from the next start on. */
export async function egressOf(ctx: Ctx, name: VmName, started: Started): Promise<EgressStatus> {
  if (started.network.egress === 'open') return { egress: 'full', refusals: null };
  const { settings, log } = egressFiles(ctx.store.paths.runtimeOf(name));
  const listed = (await ctx.host.files.facts(settings)) !== undefined;
  return listed ? { egress: 'allowlist', refusals: log } : { egress: 'none', refusals: null };
}
