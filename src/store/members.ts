import type { Host } from '../core/host.ts';
import { type VmName, waitsFor } from '../core/name.ts';
import type { Paths } from '../core/store.ts';
import { vmLockFile } from './locks.ts';

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/** As `Store.members` says, sorted. */
export async function members({ host, paths }: Place): Promise<VmName[]> {
  const directories = await host.files.list(paths.vms);
  const locks = (await host.files.list(paths.locks)).map((file) => file.replace(/\.lock$/, ''));
  const names = [...directories, ...locks].filter((name) => waitsFor(name) !== undefined);
  return [...new Set(names)].sort() as VmName[];
}

/** As `Store.forgetMember` says. May be repeated; the lock file is the last to go. */
export async function forgetMember({ host, paths }: Place, name: VmName): Promise<void> {
  if (waitsFor(name) === undefined) throw new Error(`${name} is no machine of the pool`);
  await host.files.remove(paths.vm(name).directory);
  await host.files.remove(paths.runtimeOf(name));
  await host.files.remove(vmLockFile(paths, name));
}
