import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';

/** Says which of the ports that were asked for somebody else has. */
export function tellMovedPorts(ctx: Ctx, plan: VmPlan, leases: VmRecord['leases']): void {
  for (const { guest, host } of plan.ports) {
    const lease = leases.find((one) => one.guest === guest);
    if (host === undefined || lease === undefined || lease.host === host) continue;
    ctx.io.emit({
      kind: 'note',
      text: `port ${host} is taken: 127.0.0.1:${lease.host} leads to port ${guest} of the guest`,
    });
  }
}

/** The host port tried first for a guest port that names none: the same number, where no root is needed. */
export function ownNumber(guest: number): number | undefined {
  return guest >= 1024 ? guest : undefined;
}

/** The ssh port, and those of the plan: a port that names no host port gets its own number if that is free here. */
export function wantedPorts(
  plan: VmPlan,
): { name: string; guest: number; host: number | undefined }[] {
  return [
    ...(plan.ports.some((port) => port.guest === 22)
      ? []
      : [{ name: 'ssh', guest: 22, host: undefined }]),
    ...plan.ports.map((port) => ({ ...port, host: port.host ?? ownNumber(port.guest) })),
  ];
}
