import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import type { Lease, VmRecord } from '../core/record.ts';
import type { Journal } from '../core/store.ts';
import { closeForward, openForward, openForwards } from './tunnels.ts';

interface Wanted {
  readonly name: string;
  readonly guest: number;
  readonly host: number | undefined;
}

/** Leases the wanted ports and, when the VM runs, forwards those that are new. The record is not written. */
export async function addForwards(
  ctx: Ctx,
  record: VmRecord,
  { journal, wanted }: { journal: Journal; wanted: readonly Wanted[] },
): Promise<Lease[]> {
  const { name } = record;
  return journal.step('its ports', { kind: 'sync-ports', name }, async () => {
    const leases = await ctx.store.lease(name, wanted, ctx.io);
    const held = new Set(record.leases.map((lease) => lease.host));
    const driver = await ctx.driver(record.plan.driver);
    const isRunning = (await driver.running(name)) !== undefined;
    for (const lease of isRunning ? leases : []) {
      if (!held.has(lease.host)) await openForward(ctx, record, lease);
    }
    return leases;
  });
}

/** Writes a record and makes leases and forwards those it has. May be repeated. */
export async function writeRecord(ctx: Ctx, record: VmRecord): Promise<void> {
  await ctx.store.write(record);
  await syncPorts(ctx, record.name);
}

/** Gives back the ports of a VM that its record has not, and ends their forwards. May be repeated. */
export async function syncPorts(ctx: Ctx, name: VmName): Promise<void> {
  const record = await ctx.store.read(name);
  const kept = new Set((record?.leases ?? []).map((lease) => lease.host));
  for (const port of await openForwards(ctx, name)) {
    if (!kept.has(port)) await closeForward(ctx, name, port);
  }
  await ctx.store.syncLeases(name, ctx.io);
}
