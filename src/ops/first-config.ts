import { draftConfig } from '../config/draft-config.ts';
import { chosen, type DraftChoices } from '../config/needs/choices.ts';
import { guestNeeds } from '../config/needs/guest-needs.ts';
import type { GuestNeeds } from '../config/needs/provided.ts';
import { type Release, releaseOf } from '../config/needs/release.ts';
import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import { noNeeds, type ProjectNeeds } from '../core/needs.ts';
import { detect } from './detect.ts';

/** The file that a project is given: what of it was found, and its text. */
export interface FirstConfig {
  readonly needs: GuestNeeds;
  /** The distribution that it was made for, as far as the image's name tells it. */
  readonly release: Release | undefined;
  /** The text, with the image that is to be written down. */
  text(image: string): string;
}

export interface FirstConfigInput {
  readonly directory: string;
  readonly name: VmName;
  readonly overrides: Overrides;
  readonly choices: DraftChoices;
  /** What the guest will be made of: its packages depend on it. */
  readonly image: string;
}

/** The first configuration of a project, from its own files and from the versions that this workstation has. */
export async function firstConfig(ctx: Ctx, input: FirstConfigInput): Promise<FirstConfig> {
  const { directory, choices, name, overrides } = input;
  const found = choices.detect ? await ctx.readNeeds(directory, ctx.io) : noNeeds;
  const needed = chosen(found, choices);
  const release = releaseOf(input.image);
  const needs = guestNeeds(needed, {
    release,
    workstation: await workstationVersions(ctx, directory, needed),
  });
  const { cpus, memory, disk, profiles } = overrides;
  const exclude = new Set(choices.exclude);
  const kept = { ...needs, packages: needs.packages.filter((one) => !exclude.has(one.name)) };
  return {
    needs: kept,
    release,
    text: (image) =>
      draftConfig({ name, project: directory, needs: kept, image, cpus, memory, disk, profiles }),
  };
}

/** Asked for only when a project wants certain versions: of those that will do, the guest gets this workstation's. */
async function workstationVersions(
  ctx: Ctx,
  project: string,
  { tools }: ProjectNeeds,
): Promise<ReadonlyMap<string, string>> {
  if (!tools.some(({ range }) => range !== undefined)) return new Map();
  const scope = { root: '/', home: ctx.host.user.home, project };
  const { found } = await detect(ctx, { areas: ['languages'], scope });
  const current = (found.languages ?? []).filter((language) => language.current);
  return new Map(current.map(({ name, version }) => [name, version]));
}
