import { refusedProject } from '../config/refused.ts';
import type { Ctx } from '../core/ctx.ts';
import { isWithin } from '../lib/is-within.ts';
import { isMarked, isOrWasShared, upward } from './floors.ts';

/** Nobody shares these: they need no look. */
const ofTheSystem = /^\/(usr|bin|sbin|opt|snap|nix|run\/current-system)(\/|$)/;

/**
 * Takes out of the PATH what a guest writes to, or ever wrote to, and what is in the project that the user is in: an active
 * virtual environment and `npx` put its directories there, and programs of this host are not looked for in them. So are
 * relative entries, which mean something else in each directory. Holds for what is started from now on.
 */
export async function leaveProjectsOutOfPath(ctx: Ctx, cwd: string): Promise<void> {
  const { host } = ctx;
  const entries = (host.env.PATH ?? '').split(':');
  if (entries.every((entry) => ofTheSystem.test(entry))) return;
  const wasShared = await isOrWasShared(ctx);
  const project = await projectAround(ctx, cwd);
  const kept: string[] = [];
  for (const entry of entries) {
    if (!entry.startsWith('/')) continue;
    if (ofTheSystem.test(entry) || !(await isOthers(entry))) kept.push(entry);
  }
  if (kept.length < entries.length) host.setSearchPath(kept.join(':'));

  async function isOthers(entry: string): Promise<boolean> {
    const real = await host.files.realPath(entry);
    if (real === undefined) return false;
    if (project !== undefined && isWithin(project, real)) return true;
    for (const path of upward(real)) {
      const identity = await host.files.identity(path);
      if (identity !== undefined && wasShared({ path, identity })) return true;
    }
    return false;
  }
}

/** The outermost directory around this one that is a project. */
async function projectAround(ctx: Ctx, cwd: string): Promise<string | undefined> {
  let project: string | undefined;
  for (const path of upward(cwd)) {
    if (refusedProject(path, ctx.host.user.home) !== undefined) break;
    if (await isMarked(ctx, path)) project = path;
  }
  return project;
}
