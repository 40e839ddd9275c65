import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Paths } from '../core/store.ts';
import { isInside, normalizePath } from './paths.ts';

/** The directories below which an undo may remove things. */
function removable({ vms, trash, runtime }: Paths): string[] {
  return [vms, trash, `${runtime}/vms`];
}

/**
 * Refuses (`refused`) a path that no undo may remove: only what is strictly below vms/, trash/ and the runtime
 * directory of the VMs is CloneBox's own. Does not look at the disk.
 */
export function checkRemovable(paths: Paths, path: string): void {
  const isOurs = removable(paths).some((directory) => isInside(path, directory));
  if (!isOurs || normalizePath(path) !== path) throw refusal(path);
}

/**
 * The handler of `remove-path`: removes a file or tree of CloneBox's own, nothing there is done. Fails with
 * `refused` for any other path, also for one that leads out of our directories through a symbolic link.
 */
export function removePathUndo(
  host: Host,
  paths: Paths,
): (undo: { readonly path: string }) => Promise<void> {
  return async ({ path }) => {
    checkRemovable(paths, path);
    const parent = await host.files.realPath(path.slice(0, path.lastIndexOf('/')));
    if (parent === undefined) return;
    const real = `${parent}/${path.slice(path.lastIndexOf('/') + 1)}`;
    const roots = await Promise.all(removable(paths).map((root) => host.files.realPath(root)));
    if (!roots.some((root) => root !== undefined && isInside(real, root))) throw refusal(path);
    await host.files.remove(path);
  };
}

function refusal(path: string): CloneboxError {
  return new CloneboxError('refused', `an undo may not remove ${path}: it is not CloneBox's own`, {
    hint: 'Look at the file in the journal directory that asks for it, and remove that.',
    facts: { path },
  });
}
