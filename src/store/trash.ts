import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths } from '../core/store.ts';
import { releasePorts, restoreLeases } from './leases.ts';
import { vmLockFile } from './locks.ts';
import { forgetJournals } from './recovery.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/** A VM in the trash. */
export interface TrashEntry {
  readonly name: string;
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly deleted: number;
}

/** `NAME-2026-01-31T12:00:00.000Z`: no name has capitals or colons, so the two halves cannot be confused. */
const entryPattern = /^([a-z0-9][a-z0-9-]*)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** What is in the trash, oldest first. Entries that are not ours are left out. */
export async function listTrash({ host, paths }: Place): Promise<TrashEntry[]> {
  const entries = (await host.files.list(paths.trash)).flatMap((entry) => {
    const [, name, time] = entryPattern.exec(entry) ?? [];
    if (name === undefined || time === undefined) return [];
    return [{ name, path: `${paths.trash}/${entry}`, deleted: Date.parse(time) }];
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
 * the VM's lock and its machine stopped. Fails with `not-found` when there is no directory, with `conflict` when
 * the place is taken.
 */
export async function trashVm(place: Place, name: VmName, target: string): Promise<void> {
  await moveToTrash(place, name, target);
  await releasePorts({ ...place, name }, quietIo());
}

async function moveToTrash({ host, paths }: Place, name: VmName, target: string): Promise<void> {
  const { directory } = paths.vm(name);
  checkPlace(paths, name, target);
  if ((await host.files.facts(directory)) === undefined) {
    throw new CloneboxError('not-found', `there is no VM ${name}`, { facts: { vm: name } });
  }
  if ((await host.files.facts(target)) !== undefined) {
    throw new CloneboxError('conflict', `${target} exists already`, { facts: { path: target } });
  }
  await host.files.makeDirectory(paths.trash, 0o700);
  await host.files.rename(directory, target);
  await host.files.syncDirectory(paths.vms);
  await host.files.syncDirectory(paths.trash);
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
 * The handler of `restore-vm`: moves a VM back from the trash and takes its ports again; one that is not there
 * (any more) is done. Fails with `refused` when `from` is no trash entry of that VM, with `conflict` when there
 * is a VM of that name.
 */
export function restoreVmUndo(
  host: Host,
  paths: Paths,
): (undo: { readonly from: string; readonly name: VmName }, io: Io) => Promise<void> {
  return async ({ from, name }, io) => {
    checkPlace(paths, name, from);
    if ((await host.files.facts(from)) === undefined) return;
    const { directory } = paths.vm(name);
    if ((await host.files.facts(directory)) !== undefined) {
      throw new CloneboxError('conflict', `VM ${name} exists: it cannot come back from the trash`, {
        facts: { path: from, vm: name },
      });
    }
    await host.files.rename(from, directory);
    await host.files.syncDirectory(paths.vms);
    await host.files.syncDirectory(paths.trash);
    await restoreLeases({ host, paths, name }, io);
  };
}

/** Removes for good what has been in the trash for longer than `age` milliseconds, and returns how many VMs. */
export async function emptyTrash(place: Place, age: number): Promise<number> {
  const { host } = place;
  const old = (await listTrash(place)).filter(({ deleted }) => deleted <= host.now() - age);
  for (const { path } of old) await host.files.remove(path);
  return old.length;
}

/**
 * Removes everything that names a VM: directory, trash entries, journals of the dead, leases, runtime directory,
 * and last the lock file. May be repeated; the directory goes through the trash, so that a crash leaves no half
 * VM. Call it with the VM's lock and its machine stopped.
 */
export async function purgeVm(
  place: Place & { readonly trashPlace: (name: VmName) => string },
  name: VmName,
): Promise<void> {
  const { host, paths } = place;
  const exists = (await host.files.facts(paths.vm(name).directory)) !== undefined;
  if (exists) await moveToTrash(place, name, place.trashPlace(name));
  for (const entry of await listTrash(place)) {
    if (entry.name === name) await host.files.remove(entry.path);
  }
  // After the removal: on a full disk the list of ports can only be written now.
  await releasePorts({ host, paths, name }, quietIo());
  await forgetJournals(place, name);
  await host.files.remove(paths.runtimeOf(name));
  await host.files.remove(vmLockFile(paths, name));
}
