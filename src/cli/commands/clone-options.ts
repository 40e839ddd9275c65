import { join, resolve } from 'node:path';
import { isPackageName } from '../../config/fields.ts';
import { isImagePath } from '../../config/image-kind.ts';
import type { DraftChoices } from '../../config/needs/choices.ts';
import type { Overrides } from '../../config/plan-input.ts';
import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import { namePattern } from '../../core/name.ts';
import { quoted } from '../../lib/printable.ts';
import type { TemplateWish } from '../../ops/templates/choose.ts';
import {
  countOption,
  given,
  nameOption,
  noWaitFlag,
  sizeOption,
  textOption,
  userFlag,
} from '../common.ts';
import type { Globals } from '../globals.ts';
import type { OptionSpecs, OptionValues } from '../option.ts';

/** What may be said over the configuration file. */
export const planOptions = {
  name: nameOption("name of the VM; default: the file's, else the directory's"),
  cpus: countOption('processors', 1),
  memory: sizeOption('memory, for example 2G'),
  disk: sizeOption('size of the disk; it takes only what is written to it'),
  image: textOption('IMAGE', 'base image: debian:12, bootstrap:debian:12, a path, auto'),
  profile: {
    kind: 'values',
    value: 'NAME',
    summary: 'profile that a first draft of the file stands on',
    parse: parseProfileName,
  },
} as const satisfies OptionSpecs;

/** What `clone` and `create` both take. */
export const makeOptions = {
  run: { kind: 'flag', summary: 'start it too, and wait until it is ready' },
  ...planOptions,
  wait: noWaitFlag,
  cold: { kind: 'flag', summary: "boot, and do not go on from the template's memory" },
  template: { kind: 'flag', negated: true, summary: 'boot the image and provision it in the VM' },
  warm: {
    kind: 'value',
    value: 'WHEN',
    summary: "keep the template's memory `now` (the default) or `later`, in the background",
    parse: (text: string): 'now' | 'later' => {
      if (text === 'now' || text === 'later') return text;
      throw new RangeError(`${quoted(text)} is not now or later`);
    },
  },
  keepFailed: { kind: 'flag', summary: 'keep what was made when it fails, to look at it' },
  user: userFlag,
} as const satisfies OptionSpecs;

/** How far the command line wants a template. */
export function templateWish(
  options: Pick<OptionValues<typeof makeOptions>, 'cold' | 'template' | 'warm'>,
): TemplateWish {
  if (!options.template) return 'none';
  if (options.cold) return 'disk';
  return options.warm === 'later' ? 'later' : 'warm';
}

/** How the first configuration file of a project is to be. */
export const draftOptions = {
  detect: { kind: 'flag', negated: true, summary: "do not look at the project's files" },
  packages: {
    kind: 'values',
    value: 'NAMES',
    summary: 'packages to add, with commas between them',
    parse: (text: string) => text.split(',').map((name) => packageName(name.trim())),
  },
  include: {
    kind: 'values',
    value: 'NAME',
    summary: 'a tool or service to add: redis, node@20',
    parse: includable,
  },
  exclude: {
    kind: 'values',
    value: 'NAME',
    summary: 'something to leave out: a tool, package, service, command or port',
    parse: (text: string) => text,
  },
} as const satisfies OptionSpecs;

export function choicesOf(options: OptionValues<typeof draftOptions>): DraftChoices {
  const { detect, packages, include, exclude } = options;
  return { detect, packages: packages.flat(), include, exclude };
}

function packageName(text: string): string {
  if (isPackageName(text)) return text;
  throw new RangeError(`${quoted(text)} is not a package: NAME or NAME=VERSION`);
}

function includable(text: string): string {
  if (isPackageName(text.replace(/@.*/, ''))) return text;
  throw new RangeError(`${quoted(text)} is not the name of a tool, service or package`);
}

/** What the command line says over the configuration file; the path of an image becomes absolute. */
export function overridesOf(
  options: OptionValues<typeof planOptions>,
  { ctx, globals, cwd }: { ctx: Ctx; globals: Globals; cwd: string },
): Overrides {
  const { name, cpus, memory, disk } = options;
  const profiles = options.profile.length === 0 ? undefined : [...new Set(options.profile)];
  const image = options.image === undefined ? undefined : absoluteImage(ctx, options.image, cwd);
  const driver = knownDriver(ctx, globals.driver ?? ctx.host.env.CLONEBOX_DRIVER);
  return given({ name, cpus, memory, disk, image, driver, profiles });
}

function parseProfileName(text: string): string {
  if (namePattern.test(text)) return text;
  throw new RangeError("is not the name of a profile: a-z, 0-9 and '-'");
}

function absoluteImage(ctx: Ctx, image: string, cwd: string): string {
  if (!isImagePath(image)) return image;
  // The shell leaves a ~ behind `--image=` alone.
  return image.startsWith('~/') ? join(ctx.host.user.home, image.slice(2)) : resolve(cwd, image);
}

/** A driver by its name. Fails with `usage` when there is none. */
export function knownDriver(ctx: Ctx, name: string | undefined): string | undefined {
  if (!name) return undefined;
  if (ctx.driverNames.includes(name)) return name;
  throw new CloneboxError('usage', `there is no driver ${quoted(name)}`, {
    hint: `There are: ${ctx.driverNames.join(', ')}`,
    facts: { driver: name },
  });
}
