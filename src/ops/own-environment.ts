import { resolve } from 'node:path';
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
 * relative entries, which mean something else in each directory, and all but the system's when nobody can tell what is
 * shared. A TMPDIR of the kind is forgotten. Holds for what is started from now on; never fails.
 */
export async function leaveProjectsOut(
  ctx: Ctx,
  { cwd, named = [] }: { cwd: string; named?: readonly string[] },
): Promise<void> {
  const { env } = ctx.host;
  const entries = (env.PATH ?? '').split(':');
  const places = [...entries, ...(env.TMPDIR ? [env.TMPDIR] : [])];
  const isOfOthers = await othersIn(
    ctx,
    [cwd, ...named.map((path) => resolve(cwd, path))],
    places,
  ).catch(() => () => true);
  const isOurs = (place: string) =>
    ofTheSystem.test(place) || (place.startsWith('/') && !isOfOthers(place));
  const kept = entries.filter(isOurs);
  if (kept.length < entries.length) ctx.host.setVariable('PATH', kept.join(':'));
  if (env.TMPDIR && !isOurs(env.TMPDIR)) ctx.host.setVariable('TMPDIR', undefined);
}

async function othersIn(
  ctx: Ctx,
  directories: readonly string[],
  entries: readonly string[],
): Promise<(entry: string) => boolean> {
  const others = new Set<string>();
  const doubtful = entries.filter((entry) => entry.startsWith('/') && !ofTheSystem.test(entry));
  if (doubtful.length === 0) return () => false;
  const wasShared = await isOrWasShared(ctx);
  const projects: string[] = [];
  for (const directory of directories) {
    const real = await ctx.host.files.realPath(directory);
    const project = real && (await projectAround(ctx, real));
    if (project) projects.push(project);
  }
  for (const entry of doubtful) {
    const real = (await ctx.host.files.realPath(entry)) ?? entry;
    const isIn = projects.some((project) => isWithin(project, real));
    if (isIn || (await isInShare(ctx, real, wasShared))) others.add(entry);
  }
  return (entry) => others.has(entry);
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
