import { posix } from 'node:path';
import { isImagePath } from '../config/image-kind.ts';
import { type DraftChoices, isChosen, noChoices } from '../config/needs/choices.ts';
import { outsideReach } from '../config/outside-reach.ts';
import { parseConfig } from '../config/parse-config.ts';
import type { Overrides, PlanInput } from '../config/plan-input.ts';
import type { Reach } from '../config/reach.ts';
import { refusedProject, refusedShare } from '../config/refused.ts';
import { resolvePlan } from '../config/resolve-plan.ts';
import { saysMode } from '../config/resolve-shares.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import type { GuestUser, VmPlan } from '../core/plan.ts';
import { leavesTree } from '../core/project-tree.ts';
import { isWithin } from '../lib/is-within.ts';
import { checkAsked } from './asked-profiles.ts';
import { type FirstConfig, firstConfig } from './first-config.ts';
import { requireStaying } from './floors.ts';
import { withRealKeyFiles } from './login-keys.ts';
import { requireApart } from './own-places.ts';
import { withProfiles } from './profiles.ts';
import { defaultName, type Target } from './target.ts';
import { warnOfVersion1 } from './version-1.ts';
import { withheldPlaces } from './withheld.ts';

export interface LoadedPlan {
  readonly plan: VmPlan;
  /** What it names outside its project: nothing of that is done before it is confirmed (ops/trust.ts). */
  readonly reach: readonly Reach[];
  /** The file that the project has not, and what it was made from. */
  readonly draft: FirstConfig | undefined;
  /** What it was resolved from. */
  readonly input: PlanInput;
}

export interface LoadOptions {
  readonly overrides: Overrides;
  /** Without a file: fail with `not-found`. */
  readonly mustExist?: boolean;
  /** How the first file is to be. Fails with `usage` when there is one already. */
  readonly choices?: DraftChoices | undefined;
  /** What `auto` has turned out to mean. */
  readonly auto?: string;
}

type Project = Extract<Target, { kind: 'project' }>;

const passwordWarning =
  'vm.auth.method: password is deprecated: log in by keys (ssh_key), or once by one_time_password';

const maxConfigBytes = 1024 * 1024;

/**
 * The text of the project's file, `undefined` when it has none. A command reads it once: later calls say the same, whatever
 * a guest makes of it. Fails with `config-invalid` for what cannot be one (a directory, a pipe, a link to nowhere, a giant),
 * with `refused` for a link that leads out of the project.
 */
export async function readConfigText(
  ctx: Ctx,
  { directory, configFile: file }: Pick<Project, 'directory' | 'configFile'>,
): Promise<string | undefined> {
  const tree = await ctx.openProject(directory);
  const read = await tree.read(posix.relative(directory, file), maxConfigBytes);
  const invalid = (what: string, hint: string) =>
    new CloneboxError('config-invalid', `${file} ${what}`, { hint, facts: { file } });
  const moveAway = 'Move it away; then write a new one: clonebox init';
  switch (read.kind) {
    case 'file':
      return Buffer.from(read.bytes).toString('utf8');
    case 'absent':
      return undefined;
    case 'outside':
      throw leavesTree(directory, read, 'Put the file itself into the project.');
    case 'dangling':
      throw invalid(
        'is a link that leads nowhere',
        'Remove it; then write a new one: clonebox init',
      );
    case 'too-large':
      throw invalid(`has ${read.facts.size} bytes; a configuration has at most 1 MiB`, moveAway);
    case 'not-a-file': {
      const what = read.facts.kind === 'directory' ? 'is a directory, not a file' : 'is not a file';
      throw invalid(what, moveAway);
    }
  }
}

/**
 * The plan of a project: its file, or a draft from what its directory shows. Reads, never writes. Fails with
 * `refused` for a directory that may not be a project, or for shares that are never given to a guest.
 */
export async function loadPlan(
  ctx: Ctx,
  project: Project,
  options: LoadOptions,
): Promise<LoadedPlan> {
  const { home } = ctx.host.user;
  const reason = refusedProject(project.directory, home);
  if (reason !== undefined) {
    throw new CloneboxError('refused', `${project.directory} cannot be a project: ${reason}`, {
      hint: 'Put the project into a directory of its own.',
      facts: { project: project.directory },
    });
  }
  const text = await readConfigText(ctx, project);
  if (text === undefined && options.mustExist) {
    throw new CloneboxError('not-found', `${project.configFile} does not exist`, {
      hint: 'Write one: clonebox init; or let clone find out: clonebox clone',
    });
  }
  const name = project.existing ?? (await defaultName(ctx, project.directory));
  const { choices = noChoices } = options;
  if (text !== undefined && isChosen(choices)) throw tooLate(project.configFile);
  const draft =
    text === undefined ? await draftOf(ctx, project, { ...options, name, choices }) : undefined;
  const own = parseConfig(text ?? draft?.text('auto') ?? '', project.configFile);
  warnOfVersion1(ctx, own);
  await checkAsked(ctx, project, {
    profiles: options.overrides.profiles ?? [],
    file: draft === undefined ? own : undefined,
  });
  const config = await withProfiles(ctx, project.directory, own);
  const input: PlanInput = {
    config,
    configFile: project.configFile,
    project: project.directory,
    overrides: options.overrides,
    hostUser: ctx.host.user,
    sudoUser: await sudoUser(ctx),
    cpuCount: ctx.host.cpuCount,
    env: ctx.host.env,
    defaultName: name,
    home,
  };
  const plan = resolvePlan(input);
  const withheld = await withheldPlaces(ctx);
  const real = {
    ...(await withRealKeyFiles(ctx, await withRealShares(ctx, plan, input))),
    withheld,
  };
  checkShares(real, home);
  await requireApart(ctx, real.shares);
  if (isImagePath(real.image)) await requireStaying(ctx, real.image);
  if (plan.auth.method === 'password') {
    ctx.io.emit({ kind: 'warning', text: passwordWarning });
  }
  const byProject = options.overrides.image === undefined ? real : { ...real, image: 'auto' };
  return { plan: real, draft, reach: outsideReach(byProject, home, config), input };
}

/** Who became root by sudo: the guest user is that person. */
async function sudoUser(ctx: Ctx): Promise<GuestUser | undefined> {
  const { SUDO_USER: name, SUDO_UID: uid, SUDO_GID: gid } = ctx.host.env;
  if (ctx.host.user.uid !== 0 || !name || !uid || !gid || uid === '0') return undefined;
  const passwd = (await ctx.host.files.readText('/etc/passwd')) ?? '';
  const shell = passwd
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':')[6];
  return { name, uid: Number(uid), gid: Number(gid), shell: shell || '/bin/bash' };
}

/** The file of a project that has none. */
async function draftOf(
  ctx: Ctx,
  { directory }: Project,
  { overrides, choices, auto, name }: LoadOptions & { name: VmName; choices: DraftChoices },
): Promise<FirstConfig> {
  const image = overrides.image ?? auto ?? (await ctx.images.likelyAuto());
  return firstConfig(ctx, {
    directory,
    name: overrides.name ?? name,
    overrides,
    choices,
    image,
  });
}

function tooLate(file: string): CloneboxError {
  return new CloneboxError('usage', `${file} is there already: it says what the VM is made of`, {
    hint: 'Write it there, then: clonebox clone --apply or --replace',
    facts: { file },
  });
}

/**
 * Shares by their canonical paths, so that a link inside the project cannot reach out unseen. From here on each is opened by
 * exactly that path, and no link on it is followed.
 */
async function withRealShares(ctx: Ctx, plan: VmPlan, input: PlanInput): Promise<VmPlan> {
  const shares: VmPlan['shares'][number][] = [];
  for (const share of plan.shares) {
    const host = await canonicalShare(ctx, plan, share.host);
    // Where it really is decides what it is without a word.
    const isOut = plan.project === undefined || !isWithin(plan.project, host);
    const mode = isOut && share.mode === 'rw' && !saysMode(input, share.host) ? 'ro' : share.mode;
    shares.push({ ...share, host, mode });
  }
  return { ...plan, shares };
}

async function canonicalShare(ctx: Ctx, plan: VmPlan, path: string): Promise<string> {
  const opened = await ctx.host.openTree(path, { links: 'follow' });
  if (opened.kind === 'tree') {
    await opened.tree.close();
    return opened.tree.path;
  }
  const facts = { path };
  const out = `take it out of \`shares\` in ${plan.configFile ?? 'the configuration'}`;
  switch (opened.kind) {
    case 'link':
      throw new CloneboxError(
        'refused',
        `the shared directory ${path} was replaced while it was looked at: ${opened.link} is a link to ${opened.target} now`,
        { hint: 'Look who renames it, then try again.', facts },
      );
    case 'absent':
      throw new CloneboxError('config-invalid', `the shared directory ${path} does not exist`, {
        ...{ hint: `Make it, or ${out}.`, facts },
      });
    case 'not-a-directory':
      throw new CloneboxError('config-invalid', `${path} is not a directory and cannot be shared`, {
        ...{ hint: `Share the directory it is in, or ${out}.`, facts },
      });
  }
}

function checkShares(plan: VmPlan, home: string): void {
  for (const share of plan.shares) {
    const reason = refusedShare(share.host, home);
    if (reason !== undefined) {
      throw new CloneboxError('refused', `${share.host} is never shared: ${reason}`, {
        facts: { path: share.host },
      });
    }
  }
}
