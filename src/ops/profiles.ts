import { join, posix } from 'node:path';
import { nowhere, type ProfileSource } from '../config/origin.ts';
import type { Config } from '../config/parse-config.ts';
import { checkOf, formatPath, invalidConfig, type Problem } from '../config/problem.ts';
import { applyProfiles } from '../config/profiles/apply-profiles.ts';
import { bundledProfiles } from '../config/profiles/bundled.ts';
import {
  extendedBy,
  type Found,
  orderProfiles,
  type Wanted,
} from '../config/profiles/order-profiles.ts';
import { type Profile, parseProfile } from '../config/profiles/parse-profile.ts';
import type { Ctx } from '../core/ctx.ts';
import { namePattern } from '../core/name.ts';
import type { TreeFile } from '../core/project-tree.ts';

/** Far more than anybody has: a project could make reading go on for ever. */
const mostProfiles = 100;
const mostBytes = 1024 * 1024;

/** Where profiles are looked for before those that come with CloneBox; the first place that has one wins. */
export function profileDirectories(ctx: Ctx, project: string) {
  return [
    { from: 'project', directory: join(project, '.clonebox/profiles') },
    { from: 'user', directory: ctx.store.paths.profiles },
  ] as const;
}

export type ProfilePlace = ReturnType<typeof profileDirectories>[number];

/**
 * A configuration with its profiles merged below it. Fails with `config-invalid`, which lists every problem of the
 * profiles that are wanted, each with its own file.
 */
export async function withProfiles(ctx: Ctx, project: string, config: Config): Promise<Config> {
  const { profiles = [], remove, origin = nowhere() } = config;
  if (profiles.length === 0 && remove === undefined) return config;
  const wanted = profiles.map((name, index) => ({ name, place: origin.at(['profiles', index]) }));
  const check = checkOf(origin.file);
  const applied = applyProfiles(config, await readProfiles(ctx, project, { wanted, check }));
  if (applied.problems.length > 0) throw invalidConfig(applied.problems, check);
  return applied.config;
}

/**
 * The profiles that are wanted and those they extend, as they are merged. Fails with `config-invalid`; `check` is the
 * command line that finds the problems again.
 */
export async function readProfiles(
  ctx: Ctx,
  project: string,
  { wanted, check }: { wanted: readonly Wanted[]; check: string },
): Promise<readonly Profile[]> {
  const { problems, ...found } = await collect(ctx, project, wanted);
  const ordered = orderProfiles(wanted, found);
  const isOwn = ({ file }: Problem) => file === wanted[0]?.place.file;
  const inProfiles = [...ordered.problems.filter((problem) => !isOwn(problem)), ...problems];
  const all = [...ordered.problems.filter(isOwn), ...inProfiles];
  if (all.length > 0) throw invalidConfig(all, check);
  return ordered.order;
}

/** Every name there is. */
export async function profileNames(ctx: Ctx, project: string): Promise<string[]> {
  const names = new Set(bundledProfiles.keys());
  for (const place of profileDirectories(ctx, project)) {
    for (const name of await namesIn(ctx, project, place)) names.add(name);
  }
  return [...names].toSorted();
}

/** The names of the profiles in a directory; what is called otherwise is none. */
export async function namesIn(
  ctx: Ctx,
  project: string,
  { from, directory }: ProfilePlace,
): Promise<string[]> {
  const files =
    from === 'project'
      ? await (await ctx.openProject(project)).list(posix.relative(project, directory))
      : await ctx.host.files.list(directory);
  const names = files.flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -5)] : []));
  return names.filter((name) => namePattern.test(name)).slice(0, 1000);
}

/** One profile by its name, from the first place that has it; `undefined` where none does. */
export async function readProfile(
  ctx: Ctx,
  project: string,
  name: string,
): Promise<(ReturnType<typeof parseProfile> & { readonly source: ProfileSource }) | undefined> {
  if (!namePattern.test(name)) return undefined;
  for (const { from, directory } of profileDirectories(ctx, project)) {
    const file = join(directory, `${name}.yaml`);
    const source: ProfileSource = { name, from, file };
    const text = await (from === 'project' ? readTheirs(ctx, project, file) : readOwn(ctx, file));
    if (text === undefined) continue;
    if ('message' in text) return { source, problems: [{ ...start, file, path: '', ...text }] };
    return { source, ...parseProfile(text.text, source) };
  }
  const text = bundledProfiles.get(name);
  if (text === undefined) return undefined;
  const source: ProfileSource = { name, from: 'bundled', file: `bundled:${name}.yaml` };
  return { source, ...parseProfile(text, source) };
}

const start = { line: 1, column: 1 };

/** The text of a profile's file, or why there is none; `undefined` when there is no such file. */
type ProfileText = { readonly text: string } | { readonly message: string } | undefined;

/** One of a project is in that project, links followed. */
async function readTheirs(ctx: Ctx, project: string, file: string): Promise<ProfileText> {
  const tree = await ctx.openProject(project);
  return textOf(await tree.read(posix.relative(project, file), mostBytes));
}

async function readOwn({ host }: Ctx, file: string): Promise<ProfileText> {
  const found = await host.openPlace(file, { isFloor: () => false });
  if (found.kind !== 'place') return found.kind === 'absent' ? undefined : textOf(found);
  return textOf(await found.parent.read(found.name, mostBytes).finally(found.parent.close));
}

function textOf(read: TreeFile): ProfileText {
  switch (read.kind) {
    case 'file':
      return { text: Buffer.from(read.bytes).toString('utf8') };
    case 'absent':
      return undefined;
    case 'outside':
      return { message: 'is a link that leads out of the project' };
    case 'dangling':
      return { message: 'is a link that leads nowhere' };
    case 'not-a-file':
      return { message: 'is not a file' };
    case 'too-large':
      return { message: 'is longer than 1 MiB' };
  }
}

async function collect(
  ctx: Ctx,
  project: string,
  wanted: readonly Wanted[],
): Promise<Found & { readonly problems: readonly Problem[] }> {
  const profiles = new Map<string, Profile | undefined>();
  const problems: Problem[] = [];
  const pending = [...wanted];
  for (const { name, place } of pending) {
    if (profiles.has(name)) continue;
    if (profiles.size === mostProfiles) {
      const { file, line, column, path } = place;
      const message = `leads to more than ${mostProfiles} profiles`;
      throw invalidConfig([{ file, line, column, path: formatPath(path), message }]);
    }
    const read = await readProfile(ctx, project, name);
    if (read === undefined) continue;
    profiles.set(name, read.profile);
    problems.push(...read.problems);
    if (read.profile) pending.push(...extendedBy(read.profile));
  }
  return { profiles, problems, names: await profileNames(ctx, project) };
}
