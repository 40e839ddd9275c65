import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Lease, VmRecord } from '../core/record.ts';
import { addForwards, writeRecord } from './forwards.ts';
import { changeVm, operation } from './operation.ts';
import { loadVm, named } from './target.ts';
import { openForwards } from './tunnels.ts';
import { ownNumber } from './wanted-ports.ts';

interface PortInput {
  readonly target: string | undefined;
  readonly cwd: string;
}

export type PortLine = Lease & { readonly address: string };

/** The host ports of a VM and the guest ports behind them. */
export async function listPorts(ctx: Ctx, input: PortInput): Promise<PortLine[]> {
  const record = await loadVm(ctx, input.target, input.cwd);
  return record.leases.map((lease) => ({ ...lease, address: `127.0.0.1:${lease.host}` }));
}

/** Leases a host port and forwards it, at once when the VM runs. A taken host port gives the next free one. */
export function addPort(
  ctx: Ctx,
  input: PortInput & { guest: number; host: number | undefined },
): Promise<PortLine> {
  const begin = { event: 'port.add', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const { name } = await loadVm(op.ctx, input.target, input.cwd);
    return changeVm(op, name, async (journal) => {
      const record = await loadVm(op.ctx, name, input.cwd);
      refuseKnown(record, input.guest);
      const { guest } = input;
      const wanted = { name: String(guest), guest, host: input.host ?? ownNumber(guest) };
      const [lease] = await addForwards(op.ctx, record, { journal, wanted: [wanted] });
      if (lease === undefined) throw new Error('a lease was asked for and none came');
      op.note({ guest, host: lease.host });
      const next: VmRecord = {
        ...record,
        addedPorts: [...(record.addedPorts ?? []), wanted],
        leases: [...record.leases, lease],
      };
      await journal.finish('its record', { kind: 'write-record', record: next }, () =>
        writeRecord(op.ctx, next),
      );
      return { ...lease, address: `127.0.0.1:${lease.host}` };
    });
  });
}

function refuseKnown({ leases, name }: VmRecord, guest: number): void {
  const known = leases.find((lease) => lease.guest === guest);
  if (known === undefined) return;
  throw new CloneboxError(
    'conflict',
    `port ${guest} of ${name} is already at 127.0.0.1:${known.host}`,
    { facts: { ...known } },
  );
}

/** Gives a port back. One that the VM was started with stays open until it stops, and `now` is false. */
export function removePort(
  ctx: Ctx,
  input: PortInput & { guest: number },
): Promise<{ guest: number; now: boolean }> {
  const begin = { event: 'port.remove', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const { name } = await loadVm(op.ctx, input.target, input.cwd);
    return changeVm(op, name, async (journal) => {
      const { guest } = input;
      const record = await loadVm(op.ctx, name, input.cwd);
      const lease = removable(record, guest);
      op.note({ guest, host: lease.host });
      const driver = await op.ctx.driver(record.plan.driver);
      const isRunning = (await driver.running(name)) !== undefined;
      const now = !isRunning || (await openForwards(op.ctx, name)).includes(lease.host);
      const next: VmRecord = {
        ...record,
        addedPorts: (record.addedPorts ?? []).filter((port) => port.guest !== guest),
        leases: record.leases.filter((one) => one.guest !== guest),
      };
      await journal.finish('its record', { kind: 'write-record', record: next }, () =>
        writeRecord(op.ctx, next),
      );
      return { guest, now };
    });
  });
}

function removable({ leases, name }: VmRecord, guest: number): Lease {
  const lease = leases.find((one) => one.guest === guest);
  if (lease !== undefined && lease.name !== 'ssh') return lease;
  throw new CloneboxError(
    lease ? 'refused' : 'not-found',
    lease ? 'CloneBox itself needs the ssh port' : `port ${guest} of ${name} is not forwarded`,
    { hint: `See what is: clonebox port list ${name}` },
  );
}
