import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';
import { formatBytes } from '../lib/bytes.ts';
import { printable } from '../lib/printable.ts';

/** Tells in a line what is about to be made. */
export function showPlan(ctx: Ctx, plan: VmPlan): void {
  const parts = [
    `${plan.cpus} CPU${plan.cpus === 1 ? '' : 's'}, ${formatBytes(plan.memory)} memory, ${formatBytes(plan.disk)} disk`,
    `image ${plan.image}`,
    ...plan.shares.map(
      (share) =>
        `${printable(share.host, 4096)}${share.guest === share.host ? '' : ` at ${printable(share.guest, 4096)}`} (${share.mode})`,
    ),
    ...(plan.packages.length > 0
      ? [`packages ${plan.packages.map(({ name }) => name).join(', ')}`]
      : []),
    ...plan.run.map(
      (unit) =>
        `runs ${printable(unit.command.join(' '))}${unit.port ? ` on port ${unit.port}` : ''}`,
    ),
    ...(plan.egress === 'full' ? [] : [`network closed once it is made (egress: ${plan.egress})`]),
  ];
  ctx.io.emit({ kind: 'note', text: `${plan.name}: ${parts.join(' · ')}` });
  if (ctx.host.user.uid === 0) {
    ctx.io.emit({
      kind: 'warning',
      text: 'running as root: root of the guest can write setuid files into the shared directory',
    });
  }
}
