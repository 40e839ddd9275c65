import { basename, dirname, join, resolve } from 'node:path';
import type { AuditTarget } from '../core/audit.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { looksLikePath, parseVmName, slug, type VmName } from '../core/name.ts';
import { leavesTree } from '../core/project-tree.ts';
import type { VmRecord } from '../core/record.ts';
import type { SharedPath } from '../core/shared-path.ts';
import { sha256 } from '../lib/sha256.ts';
import { configName, isWrittenByOthers } from './floors.ts';

/** What a `[vm]` argument means: a VM by name, or a project and the VM made of it, if there is one. */
export type Target = { readonly kind: 'name'; readonly name: VmName } | ProjectTarget;

export interface ProjectTarget {
  readonly kind: 'project';
  readonly directory: SharedPath;
  /** In that directory, and not looked at yet: it may be a link, or nothing. */
  readonly configFile: SharedPath;
  /** The VM already made of this directory. */
  readonly existing: VmName | undefined;
}

/** What a user named, for the record of an operation that may never find it. */
export function named(argument: string | undefined): AuditTarget {
  return { type: 'vm', name: argument ?? '.' };
}

/** Reads a `[vm]` argument; nothing means the current directory. Fails with `not-found` for a path that is not there. */
export async function findTarget(
  ctx: Ctx,
  argument: string | undefined,
  cwd: string,
): Promise<Target> {
  const text = argument ?? '.';
  if (!looksLikePath(text)) return { kind: 'name', name: parseVmName(text) };
  const expanded =
    text === '~' || text.startsWith('~/') ? join(ctx.host.user.home, text.slice(1)) : text;
  const path = resolve(cwd, expanded);
  const { directory, configFile } = await findDirectory(ctx, path, text);
  return { kind: 'project', directory, configFile, existing: await vmOfProject(ctx, directory) };
}

/**
 * The directory that a path names, or the one in which it names a file, by its canonical path. In a directory that others
 * write to no link leads out of it, and the file itself is not followed here.
 */
async function findDirectory(
  ctx: Ctx,
  path: string,
  text: string,
): Promise<Pick<ProjectTarget, 'directory' | 'configFile'>> {
  const isFloor = await isWrittenByOthers(ctx);
  const found = await ctx.host.openPlace(path, { isFloor });
  if (found.kind === 'outside') throw leavesTree(found.floor, found);
  if (found.kind === 'place') await found.parent.close();
  if (found.kind !== 'place' || found.facts === undefined) {
    throw new CloneboxError('not-found', `${text} does not exist`, {
      hint: 'Name a project directory, or a VM (clonebox list).',
      facts: { path },
    });
  }
  if (found.facts.kind === 'directory') {
    const directory = join(found.parent.path, found.name);
    return { directory, configFile: join(directory, configName) };
  }
  const around = await findDirectory(ctx, dirname(path), dirname(text));
  return { directory: around.directory, configFile: join(around.directory, basename(path)) };
}

/** The project that an argument means: a directory, or the one a VM was made of. */
export async function findProject(
  ctx: Ctx,
  argument: string | undefined,
  cwd: string,
): Promise<Extract<Target, { kind: 'project' }>> {
  const target = await findTarget(ctx, argument, cwd);
  if (target.kind === 'project') return target;
  const record = await ctx.store.read(target.name);
  if (record?.plan.project === undefined) {
    throw new CloneboxError('not-found', `${target.name} is not a project directory`, {
      hint: `For a directory of that name, type ./${target.name}`,
      facts: { name: target.name },
    });
  }
  return projectOf(ctx, record.name, record.plan.project);
}

/**
 * The project that a VM was made of. Its path is not followed anywhere: fails with `refused` when a link is in it by now, with
 * `not-found` when it is gone.
 */
export async function projectOf(
  ctx: Ctx,
  name: VmName,
  directory: SharedPath,
): Promise<ProjectTarget> {
  await ctx.openProject(directory);
  return { kind: 'project', directory, configFile: join(directory, configName), existing: name };
}

async function vmOfProject(ctx: Ctx, directory: string): Promise<VmName | undefined> {
  for (const name of await ctx.store.names()) {
    const record = await ctx.store.read(name).catch(() => undefined);
    if (record?.plan.project === directory) return name;
  }
  return undefined;
}

/** The name a project gets when nothing says otherwise: its directory's, with a hash when somebody else has that. */
export async function defaultName(ctx: Ctx, directory: string): Promise<VmName> {
  const base = slug(basename(directory)) || 'project';
  const name = parseVmName(base);
  if (!(await ctx.store.names()).includes(name)) return name;
  const record = await ctx.store.read(name).catch(() => undefined);
  if (record?.plan.project === directory) return name;
  return parseVmName(`${base.slice(0, 56)}-${sha256(directory).slice(0, 6)}`);
}

/** The VM that an argument names. Fails with `not-found` when there is none. */
export async function findVm(ctx: Ctx, argument: string | undefined, cwd: string): Promise<VmName> {
  const target = await findTarget(ctx, argument, cwd);
  if (target.kind === 'project') {
    if (target.existing !== undefined) return target.existing;
    throw new CloneboxError('not-found', `no VM was made of ${target.directory} yet`, {
      hint: `Make one: clonebox clone ${argument ?? '.'} --run`,
      facts: { project: target.directory },
    });
  }
  if ((await ctx.store.names()).includes(target.name)) return target.name;
  throw new CloneboxError('not-found', `there is no VM named ${target.name}`, {
    hint: 'See what there is: clonebox list',
    facts: { vm: target.name },
  });
}

/** A VM and its record. Fails with `not-found`, or with `conflict` when the record cannot be read. */
export async function loadVm(
  ctx: Ctx,
  argument: string | undefined,
  cwd: string,
): Promise<VmRecord> {
  const name = await findVm(ctx, argument, cwd);
  const record = await ctx.store.read(name);
  if (record !== undefined) return record;
  throw new CloneboxError('conflict', `${name} is broken: it has no record`, {
    hint: `Remove it: clonebox delete ${name} --purge --yes`,
    facts: { vm: name },
  });
}
