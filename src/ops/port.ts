import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Lease } from '../core/record.ts';
import { ownNumber } from './create-vm.ts';
import { loadVm } from './target.ts';
import { closeForward, openForward } from './tunnels.ts';
import { withVm } from './vm-state.ts';

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
export async function addPort(
  ctx: Ctx,
  input: PortInput & { guest: number; host: number | undefined },
): Promise<PortLine> {
  const { name } = await loadVm(ctx, input.target, input.cwd);
  return withVm(ctx, name, async () => {
    const record = await loadVm(ctx, name, input.cwd);
    const known = record.leases.find((lease) => lease.guest === input.guest);
    if (known !== undefined) {
      throw new CloneboxError(
        'conflict',
        `port ${input.guest} of ${name} is already at 127.0.0.1:${known.host}`,
        {
          facts: { ...known },
        },
      );
    }
    const wanted = {
      name: String(input.guest),
      guest: input.guest,
      host: input.host ?? ownNumber(input.guest),
    };
    const [lease] = await ctx.store.lease(name, [wanted], ctx.io);
    if (lease === undefined) throw new Error('a lease was asked for and none came');
    try {
      const driver = await ctx.driver(record.plan.driver);
      if ((await driver.running(name)) !== undefined) await openForward(ctx, record, lease);
    } catch (error) {
      await ctx.store.release(name, ctx.io, [input.guest]);
      throw error;
    }
    const addedPorts = [...(record.addedPorts ?? []), wanted];
    await ctx.store.write({
      ...record,
      addedPorts,
      leases: [...record.leases, lease],
    });
    return { ...lease, address: `127.0.0.1:${lease.host}` };
  });
}

/** Gives a port back. One that the VM was started with stays open until it stops, and `now` is false. */
export async function removePort(
  ctx: Ctx,
  input: PortInput & { guest: number },
): Promise<{ guest: number; now: boolean }> {
  const { name } = await loadVm(ctx, input.target, input.cwd);
  return withVm(ctx, name, async () => {
    const record = await loadVm(ctx, name, input.cwd);
    const lease = record.leases.find((one) => one.guest === input.guest);
    if (lease === undefined || lease.name === 'ssh') {
      throw new CloneboxError(
        lease ? 'refused' : 'not-found',
        lease
          ? 'CloneBox itself needs the ssh port'
          : `port ${input.guest} of ${name} is not forwarded`,
        {
          hint: `See what is: clonebox port list ${name}`,
        },
      );
    }
    const driver = await ctx.driver(record.plan.driver);
    const running = (await driver.running(name)) !== undefined;
    const now = !running || (await closeForward(ctx, record, input.guest));
    await ctx.store.release(name, ctx.io, [input.guest]);
    await ctx.store.write({
      ...record,
      addedPorts: (record.addedPorts ?? []).filter((port) => port.guest !== input.guest),
      leases: record.leases.filter((one) => one.guest !== input.guest),
    });
    return { guest: input.guest, now };
  });
}
