import type { Change } from '../config/changes.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { wantedPorts } from './create-vm.ts';
import { closeForward, openForward } from './tunnels.ts';

/**
 * Takes a changed plan into the record: new ports at once, the rest at the next start. Fails with `conflict` when some
 * of it needs a new VM, and changes nothing.
 */
export async function applyChanges(
  ctx: Ctx,
  record: VmRecord,
  { plan, different }: { plan: VmPlan; different: readonly Change[] },
): Promise<VmRecord> {
  const stuck = different.filter((one) => one.applies === 'replace');
  if (stuck.length > 0) {
    throw new CloneboxError(
      'conflict',
      `${stuck.map(({ key }) => key).join(', ')} cannot change in a VM that exists`,
      {
        hint: 'Make it anew: --replace',
        facts: { changes: stuck },
      },
    );
  }
  const leases = await movePorts(ctx, record, plan);
  const next: VmRecord = { ...record, plan, leases };
  await ctx.store.write(next);
  const later = different.filter((one) => one.applies === 'start').map(({ key }) => key);
  if (later.length > 0) {
    ctx.io.emit({
      kind: 'note',
      text: `${record.name}: ${later.join(', ')} will be in force at the next start`,
    });
  }
  return next;
}

/** A port that stays keeps its lease: the running machine holds it. */
async function movePorts(ctx: Ctx, record: VmRecord, plan: VmPlan): Promise<VmRecord['leases']> {
  const wanted = [...wantedPorts(plan), ...(record.addedPorts ?? [])];
  const stays = (lease: VmRecord['leases'][number]) => {
    const port = wanted.find((one) => one.guest === lease.guest);
    const asked = plan.ports.find((one) => one.guest === lease.guest)?.host;
    return port !== undefined && (asked === undefined || asked === lease.host);
  };
  const gone = record.leases.filter((lease) => !stays(lease));
  const running = (await (await ctx.driver(record.plan.driver)).running(record.name)) !== undefined;
  for (const lease of running ? gone : []) await closeForward(ctx, record, lease.guest);
  if (gone.length > 0)
    await ctx.store.release(
      record.name,
      ctx.io,
      gone.map((lease) => lease.guest),
    );
  const leases = await ctx.store.lease(record.name, wanted, ctx.io);
  const held = new Set(record.leases.filter(stays).map((lease) => lease.guest));
  for (const lease of running ? leases : [])
    if (!held.has(lease.guest)) await openForward(ctx, record, lease);
  return leases;
}
