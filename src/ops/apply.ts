import type { Change } from '../config/changes.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { Lease, VmRecord } from '../core/record.ts';
import type { Journal } from '../core/store.ts';
import { addForwards, writeRecord } from './forwards.ts';
import { wantedPorts } from './wanted-ports.ts';

/**
 * Takes a changed plan into the record: new ports at once, the rest at the next start. Fails with `conflict` when some
 * of it needs a new VM, and changes nothing.
 */
export async function applyChanges(
  ctx: Ctx,
  record: VmRecord,
  { plan, different, journal }: { plan: VmPlan; different: readonly Change[]; journal: Journal },
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
  const wanted = [...wantedPorts(plan), ...(record.addedPorts ?? [])];
  // A port that stays keeps its lease: the running machine holds it.
  const leases = await addForwards(ctx, record, {
    journal,
    wanted: wanted.map((port) => ({
      ...port,
      host: staying(record, plan, port.guest) ?? port.host,
    })),
  });
  // Keys were put in when the VM was made; that those of the file are the same was seen before.
  const { authorizedKeys } = record.plan;
  const next: VmRecord = { ...record, plan: { ...plan, authorizedKeys }, leases };
  await journal.finish('its record', { kind: 'write-record', record: next }, () =>
    writeRecord(ctx, next),
  );
  const later = different.filter((one) => one.applies === 'start').map(({ key }) => key);
  if (later.length > 0) {
    ctx.io.emit({
      kind: 'note',
      text: `${record.name}: ${later.join(', ')} will be in force at the next start`,
    });
  }
  return next;
}

function staying(record: VmRecord, plan: VmPlan, guest: number): Lease['host'] | undefined {
  const held = record.leases.find((lease) => lease.guest === guest)?.host;
  const asked = plan.ports.find((port) => port.guest === guest)?.host;
  return asked === undefined || asked === held ? held : undefined;
}
