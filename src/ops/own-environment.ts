import { normalize, resolve } from 'node:path';
import { holdsProjects } from '../config/refused.ts';
import type { Ctx } from '../core/ctx.ts';
import type { ReachedDirectory } from '../core/file-facts.ts';
import { isWithin } from '../lib/is-within.ts';
import { isMarked, isOrWasShared, upward } from './floors.ts';

/** Where the system has its programs, and files of the moment: they need no look. A project is in none of them. */
const ofTheSystem = /^\/((usr\/(local\/)?)?s?bin|tmp|var\/tmp)\/?$/;

/**
 * Takes out of the PATH what a guest writes to, or ever wrote to, and what is in the project that the user is in or names: an
 * active virtual environment and `npx` put its directories there, and programs of this host are not looked for in them. So are
 * relative entries, which mean something else in each directory, what is not there, and all but the system's when nobody
 * can tell what is shared. The rest is there by its canonical path, so that no link on the way is followed later. A TMPDIR
 * is judged alike. Holds for what is started from now on; never fails.
 */
export async function leaveProjectsOut(
  ctx: Ctx,
  { cwd, named = [] }: { cwd: string; named?: readonly string[] },
): Promise<void> {
  const { env } = ctx.host;
  const entries = (env.PATH ?? '').split(':');
  const wanted = [...entries, ...(env.TMPDIR ? [env.TMPDIR] : [])];
  const directories = [cwd, ...named.map((path) => resolve(cwd, path))];
  const places = await ownPlacesOf(ctx, { wanted, directories }).catch(() => new Map());
  const placeOf = (entry: string) => (ofTheSystem.test(entry) ? entry : places.get(entry));
  const path = entries.flatMap((entry) => placeOf(entry) ?? []).join(':');
  if (path !== env.PATH) ctx.host.setVariable('PATH', path);
  const temporary = env.TMPDIR && placeOf(env.TMPDIR);
  if (env.TMPDIR && temporary !== env.TMPDIR) ctx.host.setVariable('TMPDIR', temporary);
}

/** The canonical path of each that is nobody else's. */
async function ownPlacesOf(
  ctx: Ctx,
  { wanted, directories }: { wanted: readonly string[]; directories: readonly string[] },
): Promise<Map<string, string>> {
  const own = new Map<string, string>();
  const doubtful = wanted.filter((entry) => entry.startsWith('/') && !ofTheSystem.test(entry));
  if (doubtful.length === 0) return own;
  const { realPath } = ctx.host.files;
  const wasShared = await isOrWasShared(ctx);
  const projects: string[] = [];
  for (const directory of directories) {
    const real = await realPath(directory);
    const project = real && (await projectAround(ctx, real));
    if (project) projects.push(project);
  }
  const isOthers = async (path: string) =>
    projects.some((project) => isWithin(project, path)) || isInShare(ctx, path, wasShared);
  for (const entry of doubtful) {
    const real = await realPath(entry);
    if (real === undefined || real.includes(':')) continue;
    // As it is written too: a link that leads out of a share now leads elsewhere in a moment.
    if (!(await isOthers(normalize(entry))) && !(await isOthers(real))) own.set(entry, real);
  }
  return own;
}

async function isInShare(
  { host }: Ctx,
  path: string,
  wasShared: (directory: ReachedDirectory) => Promise<boolean>,
): Promise<boolean> {
  for (const around of upward(path)) {
    const identity = await host.files.identity(around);
    if (identity !== undefined && (await wasShared({ path: around, identity }))) return true;
  }
  return false;
}

/** The outermost directory around this one that is a project. */
async function projectAround(ctx: Ctx, directory: string): Promise<string | undefined> {
  let project: string | undefined;
  for (const path of upward(directory)) {
    if (holdsProjects(path, ctx.host.user.home) !== undefined) break;
    if (await isMarked(ctx, path)) project = path;
  }
  return project;
}
