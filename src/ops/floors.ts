import { refusedProject } from '../config/refused.ts';
import type { Ctx } from '../core/ctx.ts';

/** The project's own file, at its top. */
export const configName = '.clonebox.yaml';

/**
 * Whether others than the user may put links into a directory: a guest, since it is shared with one to be written to, or
 * whoever wrote the project that it is. What a user names below such a directory stays below it (`Host.openPlace`).
 */
export async function isWrittenByOthers(
  ctx: Ctx,
): Promise<(directory: string) => boolean | Promise<boolean>> {
  const shared = new Set(await writableShares(ctx));
  const { home } = ctx.host.user;
  return async (directory) => {
    if (shared.has(directory)) return true;
    if (refusedProject(directory, home) !== undefined) return false;
    for (const mark of [configName, '.git']) {
      if ((await ctx.host.files.facts(`${directory}/${mark}`)) !== undefined) return true;
    }
    return false;
  };
}

/** The directories of this host that guests may write to, of all VMs, running or not. */
export async function writableShares(ctx: Ctx): Promise<string[]> {
  const directories: string[] = [];
  for (const name of await ctx.store.names()) {
    const record = await ctx.store.read(name).catch(() => undefined);
    for (const { host, mode } of record?.plan.shares ?? []) {
      if (mode === 'rw') directories.push(host);
    }
  }
  return directories;
}
