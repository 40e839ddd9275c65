import { dirname } from 'node:path';
import type { Host } from '../core/host.ts';
import { besideName, type VmName } from '../core/name.ts';
import type { Paths } from '../core/store.ts';
import { draftWriter } from '../host/files.ts';

/** The directories in which the files of a VM, or those of all VMs, are written. */
export function draftPlaces(paths: Paths, vm: VmName | undefined): string[] {
  const shared = [paths.home, paths.journal, dirname(paths.auditFile)];
  if (vm === undefined) return shared;
  return [...shared, paths.vm(vm).directory, paths.vm(besideName(vm)).directory];
}

/**
 * The same in a directory of the user's, a project's: a guest may have made something else of it since, which is left alone.
 */
export async function sweepUserDrafts(host: Host, directory: string): Promise<void> {
  const opened = await host.openTree(directory);
  if (opened.kind !== 'tree') return;
  try {
    await opened.tree.sweepDrafts(async (pid) => (await host.processRef(pid)) === undefined);
  } finally {
    await opened.tree.close();
  }
}

/** Removes temporary files whose writer is gone: a crash, or a cut of the power, leaves the old content and such a file. */
export async function sweepDrafts(host: Host, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    for (const entry of await host.files.list(directory)) {
      const pid = draftWriter(entry);
      if (pid === undefined || (await host.processRef(pid)) !== undefined) continue;
      await host.files.remove(`${directory}/${entry}`);
    }
  }
}
