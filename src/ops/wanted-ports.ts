import { isCredentialPort } from '../core/credential-ports.ts';
import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';

/** Says which ports are not at the number that was to be expected, and why. */
export function tellMovedPorts(ctx: Ctx, plan: VmPlan, leases: VmRecord['leases']): void {
  for (const { guest, host } of plan.ports) {
    const lease = leases.find((one) => one.guest === guest);
    const why = lease && whyMoved({ guest, host }, lease.host);
    if (lease === undefined || why === undefined) continue;
    const text = `${why}: 127.0.0.1:${lease.host} leads to port ${guest} of the guest`;
    ctx.io.emit({ kind: 'note', text });
  }
}

function whyMoved(
  { guest, host }: { guest: number; host: number | undefined },
  leased: number,
): string | undefined {
  if (host !== undefined) return leased === host ? undefined : `port ${host} is taken`;
  if (!isCredentialPort(guest)) return undefined;
  return `clients of port ${guest} of this computer send it passwords, so it is not the guest's unless you write ${guest}:${guest}`;
}

/** The host port tried first for a guest port that names none: the same number, where no root and no trust are needed. */
export function ownNumber(guest: number): number | undefined {
  if (guest < 1024) return undefined;
  return isCredentialPort(guest) ? ownNumber(guest + 1) : guest;
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
