import { didYouMean } from '../config/fields.ts';
import type { ProfileSource } from '../config/origin.ts';
import { nowhere } from '../config/origin.ts';
import { formatPath, invalidConfig } from '../config/problem.ts';
import { layerOf } from '../config/profiles/apply-profiles.ts';
import { bundledProfiles } from '../config/profiles/bundled.ts';
import { placeOf } from '../config/profiles/merge.ts';
import type { Profile } from '../config/profiles/parse-profile.ts';
import { type OriginatedValue, originAt, valuesOf } from '../config/values.ts';
import { type Written, writtenConfig } from '../config/written.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { nearest } from '../lib/near.ts';
import { quoted } from '../lib/printable.ts';
import {
  namesIn,
  profileDirectories,
  profileNames,
  readProfile,
  readProfiles,
} from './profiles.ts';
import { findProject } from './target.ts';

interface ProfileInput {
  readonly target: string | undefined;
  readonly cwd: string;
}

export interface ProfileSummary {
  readonly name: string;
  readonly from: ProfileSource['from'];
  /** `null` for one that comes with CloneBox. */
  readonly file: string | null;
  readonly description: string | null;
  readonly extends: readonly string[];
  /** Places with a profile of the same name, which this one goes before. */
  readonly hides: readonly ProfileSource['from'][];
  /** How many problems its text has. */
  readonly problems: number;
}

/** The profiles that a project can use, by name. */
export async function listProfiles(
  ctx: Ctx,
  input: ProfileInput,
): Promise<{ profiles: ProfileSummary[] }> {
  const { directory } = await findProject(ctx, input.target, input.cwd);
  const places = await Promise.all(
    profileDirectories(ctx, directory).map(async (place) => ({
      ...{ from: place.from, names: await namesIn(ctx, directory, place) },
    })),
  );
  const all = [...places, { from: 'bundled', names: [...bundledProfiles.keys()] } as const];
  const profiles: ProfileSummary[] = [];
  for (const name of await profileNames(ctx, directory)) {
    const read = await readProfile(ctx, directory, name);
    if (read === undefined) continue;
    const having = all.filter(({ names }) => names.includes(name)).map(({ from }) => from);
    const hides = having.filter((from) => from !== read.source.from);
    profiles.push({ ...factsOf(read.source, read.profile), hides, problems: read.problems.length });
  }
  return { profiles };
}

export interface ShownProfile extends Omit<ProfileSummary, 'hides' | 'problems'> {
  /** The directory of the project that it was looked for in. */
  readonly project: string;
  /** What it and those it extends say together, as a file would. */
  readonly merged: Written;
  readonly values: readonly OriginatedValue[];
}

/**
 * What a profile says, with those it extends. Fails with `not-found` where there is none of this name, and with
 * `config-invalid` for what is wrong with it.
 */
export async function showProfile(
  ctx: Ctx,
  input: ProfileInput & { readonly name: string },
): Promise<ShownProfile> {
  const { directory } = await findProject(ctx, input.target, input.cwd);
  const { name } = input;
  const check = `clonebox profile show ${name}`;
  const read = await readProfile(ctx, directory, name);
  if (read === undefined) {
    const near = nearest(name, await profileNames(ctx, directory));
    throw new CloneboxError('not-found', `there is no profile ${quoted(name)}`, {
      hint: near ? didYouMean(near) : 'See what there is: clonebox profile list',
      facts: { profile: name },
    });
  }
  if (!read.profile) throw invalidConfig(read.problems, check);
  const wanted = [{ name, place: nowhere().at([]) }];
  const layer = layerOf(await readProfiles(ctx, directory, { wanted, check }));
  const merged = writtenConfig(layer.value as Parameters<typeof writtenConfig>[0]);
  const values = valuesOf(merged).map(({ path, value }) => ({
    ...{ key: formatPath(path), value, origin: originAt(placeOf(layer.source, path)) },
  }));
  return { ...factsOf(read.source, read.profile), project: directory, merged, values };
}

function factsOf({ name, from, file }: ProfileSource, profile: Profile | undefined) {
  return {
    ...{ name, from, file: from === 'bundled' ? null : file },
    description: profile?.value.description?.trim() ?? null,
    extends: profile?.value.extends ?? [],
  };
}
