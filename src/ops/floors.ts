import { dirname } from 'node:path';
import { holdsProjects } from '../config/refused.ts';
import type { Ctx } from '../core/ctx.ts';
import type { ReachedDirectory } from '../core/file-facts.ts';
import { leavesTree } from '../core/project-tree.ts';
import { mountNames } from '../lib/mount-names.ts';

/** The project's own file, at its top. */
export const configName = '.clonebox.yaml';

/** What only the top of a project has. */
const marks = [configName, '.git', '.hg', '.svn'];

/**
 * Whether others than the user may have put links into a directory: a guest, since it is or was shared with one to be
 * written to, or whoever wrote the project that it is. What a user names below such a directory stays below it
 * (`Host.openPlace`).
 */
export async function isWrittenByOthers(
  ctx: Ctx,
): Promise<(directory: ReachedDirectory) => boolean | Promise<boolean>> {
  const { home } = ctx.host.user;
  const wasShared = await isOrWasShared(ctx);
  return async (directory) => {
    if (await wasShared(directory)) return true;
    if (holdsProjects(directory.path, home) !== undefined) return false;
    return isMarked(ctx, directory.path);
  };
}

/** Whether a directory is a project by what is in it. */
export async function isMarked(ctx: Ctx, directory: string): Promise<boolean> {
  const names: string[] = await ctx.host.files.list(directory).catch(() => []);
  return marks.some((mark) => names.includes(mark)) || ctx.isProject(names);
}

/** Whether a directory is a share that a guest writes to or ever wrote to, whatever it is called here and now. */
export async function isOrWasShared(
  ctx: Ctx,
): Promise<(directory: ReachedDirectory) => Promise<boolean>> {
  const { files } = ctx.host;
  const shared = new Set(await writableShares(ctx));
  const wasShared = await ctx.store.wasShared();
  const otherNames = mountNames((await files.readText('/proc/self/mountinfo')) ?? '');
  const isOne = async (path: string) => {
    if (shared.has(path)) return true;
    const identity = await files.identity(path);
    return wasShared({ path, identity: identity ?? { device: 0n, inode: 0n, born: 0n } });
  };
  return async (directory) => {
    if (shared.has(directory.path) || wasShared(directory)) return true;
    // A part of it that is mounted elsewhere is in it all the same.
    for (const name of new Set(otherNames(directory.path).flatMap(upward)))
      if (await isOne(name)) return true;
    return false;
  };
}

/** A path and all those above it. */
export function upward(path: string): string[] {
  return path === '/' ? [path] : [path, ...upward(dirname(path))];
}

/**
 * Sees to it that a file which is named by its path does not lead out of what others write to. Fails with `refused`; one
 * that is not there is no failure.
 */
export async function requireStaying(ctx: Ctx, path: string): Promise<void> {
  const place = path.replace(/^~(?=\/)/, ctx.host.user.home);
  const found = await ctx.host.openPlace(place, { isFloor: await isWrittenByOthers(ctx) });
  if (found.kind === 'outside') throw leavesTree(found.floor, found, 'Name the file itself.');
  if (found.kind === 'place') await found.parent.close();
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
