import { dirname } from 'node:path';
import type { Audit } from '../core/audit.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { besideName, type VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths, Swap, TrashEntry } from '../core/store.ts';
import { leasePorts, releasePorts, syncLeases } from './leases.ts';
import { vmLockFile } from './locks.ts';
import { vmFiles } from './paths.ts';
import { formatRecord, readRecord, writeRecord } from './records.ts';
import { forgetPurged } from './recovery.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/** `NAME-2026-01-31T12:00:00.000Z`: no name has capitals or colons, so the two halves cannot be confused. */
const entryPattern = /^([a-z0-9][a-z0-9-]*)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** What is in the trash, oldest first. Entries that are not ours are left out. */
export async function listTrash({ host, paths }: Place): Promise<TrashEntry[]> {
  const entries = (await host.files.list(paths.trash)).flatMap((entry) => {
    const [, name, time] = entryPattern.exec(entry) ?? [];
    if (name === undefined || time === undefined) return [];
    return [{ name: name as VmName, path: `${paths.trash}/${entry}`, deleted: Date.parse(time) }];
  });
  return entries.sort((a, b) => a.deleted - b.deleted);
}

/** Makes the function that says where in the trash a VM would go now; it never says the same twice. */
export function createTrashPlace({ host, paths }: Place): (name: VmName) => string {
  let last = 0;
  return (name) => {
    last = Math.max(host.now(), last + 1);
    return `${paths.trash}/${name}-${new Date(last).toISOString()}`;
  };
}

/**
 * Moves a VM's directory to a place in the trash and gives back its ports. The name is free at once. Call it with
 * the VM's lock and its machine stopped. May be repeated. Fails with `not-found` when there is no directory, with
 * `conflict` when both are there.
 */
export async function trashVm(place: Place, name: VmName, target: string): Promise<void> {
  await moveToTrash(place, name, target);
  await releasePorts({ ...place, name }, quietIo());
}

async function moveToTrash({ host, paths }: Place, name: VmName, target: string): Promise<void> {
  const { directory } = paths.vm(name);
  checkPlace(paths, name, target);
  await host.files.makeDirectory(paths.trash, 0o700);
  await moveOnce(host, directory, target);
}

/** Renames a directory of ours, durably; done already is no error. */
async function moveOnce(host: Host, from: string, to: string): Promise<void> {
  const [source, target] = await Promise.all([host.files.facts(from), host.files.facts(to)]);
  if (source === undefined && target === undefined) {
    throw new CloneboxError('not-found', `${from} is gone`, { facts: { path: from } });
  }
  if (source !== undefined && target !== undefined) {
    throw new CloneboxError('conflict', `${to} exists already`, { facts: { path: to } });
  }
  if (source !== undefined) await host.files.rename(from, to);
  await host.files.sync(dirname(to));
  await host.files.sync(dirname(from));
}

/** Refuses (`refused`) a path that is no trash entry of this VM. */
function checkPlace({ trash }: Paths, name: VmName, path: string): void {
  const entry = path.slice(trash.length + 1);
  if (path === `${trash}/${entry}` && entryPattern.exec(entry)?.[1] === name) return;
  throw new CloneboxError('refused', `${path} is not VM ${name} in the trash`, {
    facts: { path, vm: name },
  });
}

/**
 * Moves a VM back from the trash and leases its ports again; one that is taken by now moves on. May be repeated.
 * Fails with `refused` when `from` is no trash entry of that VM, with `conflict` when there is a VM of that name.
 */
export async function restoreVm(
  { host, paths, name }: Place & { readonly name: VmName },
  from: string,
  io: Io,
): Promise<void> {
  checkPlace(paths, name, from);
  const [there, here] = await Promise.all([
    host.files.facts(from),
    host.files.facts(paths.vm(name).directory),
  ]);
  if (there !== undefined && here !== undefined) {
    throw new CloneboxError('conflict', `VM ${name} exists: it cannot come back from the trash`, {
      hint: `Delete it first: clonebox delete ${name}`,
      facts: { path: from, vm: name },
    });
  }
  await moveOnce(host, from, paths.vm(name).directory);
  // One that was broken comes back broken: without it, nobody knows its ports.
  const record = await readRecord(host, paths, name).catch(() => undefined);
  if (record === undefined) return;
  const leases = await leasePorts({ host, paths, name }, record.leases, io);
  await writeRecord(host, paths, { ...record, leases });
  // One that died here before may have leased others.
  await syncLeases({ host, paths, name }, io);
}

/**
 * Puts a VM in the place of the one it was built beside, which goes to the trash. Both machines must be stopped. May be
 * repeated: it goes on where the last one died.
 */
export async function swapVm(place: Place, swap: Swap, io: Io): Promise<void> {
  const { host, paths } = place;
  const { name, beside, record, to } = swap;
  const from = paths.vm(beside).directory;
  if ((await host.files.facts(from)) !== undefined) {
    // From here on the directory is that of the new VM, under whatever name.
    await host.files.writeAtomic(`${from}/${vmFiles.record}`, formatRecord(record));
    const isOldThere = (await host.files.facts(paths.vm(name).directory)) !== undefined;
    if (isOldThere) await moveToTrash(place, name, to);
    await moveOnce(host, from, paths.vm(name).directory);
  }
  await releasePorts({ ...place, name: beside }, io);
  await syncLeases({ ...place, name }, io);
}

/** Removes for good what has been in the trash for longer than `age` milliseconds, and returns how many VMs. */
export async function emptyTrash(place: Place, age: number): Promise<number> {
  const { host } = place;
  const old = (await listTrash(place)).filter(({ deleted }) => deleted <= host.now() - age);
  for (const { path } of old) await removeWhole(place, path);
  await sweepRemoved(place);
  return old.length;
}

const removing = '.removing-';

/** Removes what a removal left that died. */
async function sweepRemoved({ host, paths }: Place): Promise<void> {
  for (const entry of await host.files.list(paths.trash)) {
    if (entry.startsWith(removing)) await host.files.remove(`${paths.trash}/${entry}`);
  }
}

/** Removes an entry so that a crash leaves no half of a VM that could be brought back. */
async function removeWhole({ host, paths }: Place, path: string): Promise<void> {
  const aside = `${paths.trash}/${removing}${crypto.randomUUID()}`;
  await host.files.rename(path, aside);
  await host.files.remove(aside);
}

/**
 * Removes everything that names a VM: directory, trash entries, journals of the dead, leases, runtime directory,
 * and last the lock file. May be repeated; the directory goes through the trash, so that a crash leaves no half
 * VM. Call it with the VM's lock and its machine stopped.
 */
export async function purgeVm(
  place: Place & { readonly audit: Audit; readonly trashPlace: (name: VmName) => string },
  name: VmName,
): Promise<void> {
  const { host, paths } = place;
  const exists = (await host.files.facts(paths.vm(name).directory)) !== undefined;
  if (exists) await moveToTrash(place, name, place.trashPlace(name));
  for (const entry of await listTrash(place)) {
    if (entry.name === name) await removeWhole(place, entry.path);
  }
  await sweepRemoved(place);
  await host.files.remove(paths.vm(besideName(name)).directory);
  // After the removal: on a full disk the list of ports can only be written now.
  await releasePorts({ host, paths, name }, quietIo());
  await forgetPurged(place, name);
  await host.files.remove(paths.runtimeOf(name));
  await host.files.remove(vmLockFile(paths, name));
}
