import type { Change } from '../config/changes.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { wantedPorts } from './create-vm.ts';

/**
 * Takes a changed plan into the record: what can change at the next start does so then. Fails with `conflict` when some
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
  await ctx.store.release(record.name, ctx.io);
  const held = new Map(record.leases.map((lease) => [lease.guest, lease.host]));
  const wanted = wantedPorts(plan).map((port) => ({
    ...port,
    host: held.get(port.guest) ?? port.host,
  }));
  const leases = await ctx.store.lease(record.name, wanted, ctx.io);
  const next: VmRecord = { ...record, plan, leases };
  await ctx.store.write(next);
  ctx.io.emit({
    kind: 'note',
    text: `${record.name}: ${different.map(({ key }) => key).join(', ')} will be in force at the next start`,
  });
  return next;
}
