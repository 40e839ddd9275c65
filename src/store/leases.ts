import * as z from 'zod';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import type { Lease } from '../core/record.ts';
import type { Paths } from '../core/store.ts';
import { choosePorts, type WantedPort } from './choose-ports.ts';
import { vmLockFile, withLeaseLock } from './locks.ts';
import { lease, vmName } from './record-schema.ts';
import { readRecord, storedNames } from './records.ts';

const leaseFile = z.looseObject({
  version: z.literal(1),
  leases: z.array(lease.extend({ vm: vmName })),
});

/** A line of leases.json. */
interface Held extends Lease {
  readonly vm: VmName;
}

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/**
 * Leases a host port for each wanted guest port, host-wide: no two VMs ever hold the same one, and each could be
 * bound at this moment. What the VM holds already for the same name and guest port, and no other host port than the
 * wanted one, stays as it is, so this may be repeated. Call it with the VM's lock: leases of a VM that has neither a
 * directory nor a lock are free for all. Fails with `host-unable` when no port is left.
 */
export async function leasePorts(
  place: Place & { readonly name: VmName },
  wanted: readonly WantedPort[],
  io: Io,
): Promise<Lease[]> {
  const { host, name } = place;
  return withLeaseLock(place, io, async () => {
    const held = await readLeases(place);
    const others = await dropGone(place, held);
    const own = held.filter((entry) => entry.vm === name);
    const kept = new Map<WantedPort, Lease>();
    for (const want of wanted) {
      const match = own.find(
        (entry) =>
          entry.name === want.name &&
          entry.guest === want.guest &&
          (want.host === undefined || want.host === entry.host) &&
          !holds(kept, entry.host),
      );
      if (match) kept.set(want, toLease(match));
    }
    const inUse = new Set([...others, ...own].map((entry) => entry.host));
    const missing = wanted.filter((want) => !kept.has(want));
    const chosen = await choosePorts(
      name,
      missing,
      async (port) => !inUse.has(port) && (await host.canBind(port)),
    );
    const added = new Map(missing.map((want, index) => [want, chosen[index]]));
    const fresh = chosen.map((entry) => ({ ...entry, vm: name }));
    if (fresh.length > 0 || others.length + own.length < held.length) {
      await writeLeases(place, [...others, ...own, ...fresh]);
    }
    return wanted.flatMap((want) => kept.get(want) ?? added.get(want) ?? []);
  });
}

/** Gives back ports of a VM, all or those of some guest ports. May be repeated. */
export async function releasePorts(
  place: Place & { readonly name: VmName },
  io: Io,
  guestPorts?: readonly number[],
): Promise<void> {
  await withLeaseLock(place, io, async () => {
    const held = await readLeases(place);
    const rest = held.filter(
      (entry) =>
        entry.vm !== place.name || (guestPorts !== undefined && !guestPorts.includes(entry.guest)),
    );
    if (rest.length < held.length) await writeLeases(place, rest);
  });
}

/** Makes the leases of a VM those of its record, except those another VM got meanwhile. May be repeated. */
export async function syncLeases(place: Place & { readonly name: VmName }, io: Io): Promise<void> {
  const { host, paths, name } = place;
  await withLeaseLock(place, io, async () => {
    const record = await readRecord(host, paths, name);
    const held = await readLeases(place);
    const others = held.filter((entry) => entry.vm !== name);
    const taken = new Set(others.map((entry) => entry.host));
    const own = (record?.leases ?? []).filter((entry) => !taken.has(entry.host));
    const next = [...others, ...own.map((entry) => ({ ...toLease(entry), vm: name }))];
    if (!isSame(held, next)) await writeLeases(place, next);
  });
}

function isSame(some: readonly Held[], others: readonly Held[]): boolean {
  const keys = (held: readonly Held[]) =>
    held.map(({ vm, name, guest, host }) => `${vm} ${name} ${guest} ${host}`).toSorted();
  return keys(some).join('\n') === keys(others).join('\n');
}

function holds(leases: ReadonlyMap<WantedPort, Lease>, port: number): boolean {
  return [...leases.values()].some((entry) => entry.host === port);
}

function toLease({ name, guest, host }: Lease): Lease {
  return { name, guest, host };
}

/** The leases of other VMs, without those whose VM is gone. A locked one may be about to make its directory. */
async function dropGone(
  { host, paths, name }: Place & { readonly name: VmName },
  held: readonly Held[],
): Promise<Held[]> {
  const alive = new Map<VmName, boolean>();
  for (const { vm } of held) {
    if (vm === name || alive.has(vm)) continue;
    const hasDirectory = (await host.files.facts(paths.vm(vm).directory)) !== undefined;
    alive.set(vm, hasDirectory || (await host.isLocked(vmLockFile(paths, vm))));
  }
  return held.filter((entry) => alive.get(entry.vm) === true);
}

/** leases.json; when it is missing or damaged, what the records of the VMs say. */
async function readLeases({ host, paths }: Place): Promise<Held[]> {
  const text = await host.files.readText(paths.leases);
  if (text !== undefined) {
    try {
      return leaseFile.parse(JSON.parse(text)).leases;
    } catch {
      // Damaged: the records are the truth it was made from.
    }
  }
  const held: Held[] = [];
  for (const vm of await storedNames(host, paths)) {
    const record = await readRecord(host, paths, vm).catch(() => undefined);
    for (const entry of record?.leases ?? []) held.push({ ...toLease(entry), vm });
  }
  return held;
}

async function writeLeases({ host, paths }: Place, leases: readonly Held[]): Promise<void> {
  const sorted = leases.toSorted((a, b) => a.host - b.host);
  const content = { version: 1, leases: sorted };
  await host.files.writeAtomic(paths.leases, `${JSON.stringify(content, undefined, 2)}\n`);
}
