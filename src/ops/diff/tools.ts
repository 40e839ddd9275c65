import { coerce, satisfies, validRange } from 'semver';
import type { Ctx } from '../../core/ctx.ts';
import type { Guest } from '../../core/guest.ts';
import type { VmPlan } from '../../core/plan.ts';
import { detect } from '../detect.ts';
import type { Drift } from './drift.ts';

/** How each tool of `clonebox-install` says its version, in the guest. */
const questions: Readonly<Record<string, readonly string[]>> = {
  ...{ node: ['node', '--version'], npm: ['npm', '--version'], pnpm: ['pnpm', '--version'] },
  ...{ yarn: ['yarn', '--version'], bun: ['bun', '--version'], python: ['python', '--version'] },
  ...{ uv: ['uv', '--version'], go: ['go', 'version'], rust: ['rustc', '--version'] },
};

/** The tools that a plan brings by their makers' installers: as this workstation has them, as asked for, as they are. */
export async function toolDrift(ctx: Ctx, guest: Guest, plan: VmPlan): Promise<Drift[]> {
  const tools = plan.provision.flatMap((step) =>
    step.kind === 'run' ? installedBy(step.run) : [],
  );
  if (tools.length === 0) return [];
  const here = await workstationVersions(ctx, plan.project);
  const drifts: Drift[] = [];
  for (const { name, version } of tools) {
    const there = await versionInside(ctx, guest, { plan, name });
    const own = here.get(name) ?? null;
    drifts.push({
      area: 'tools',
      name,
      workstation: own,
      // What was asked for may be a line of versions: any of them is that.
      config: there !== null && fits(there, version) ? there : (version ?? 'installed'),
      guest: there ?? 'not installed',
    });
  }
  return drifts;
}

/** `clonebox-install node@20 npm` brings two. */
export function installedBy(line: string): { name: string; version: string | undefined }[] {
  const [, words = ''] = /^\s*clonebox-install\s+([\w@.^~ -]+)$/.exec(line) ?? [];
  return words
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const [name = '', version] = word.split('@', 2);
      return { name, version };
    })
    .filter(({ name }) => Object.hasOwn(questions, name));
}

/** True for `20.11.1` where `20` was asked for, or `^20.10`. */
export function fits(version: string, asked: string | undefined): boolean {
  if (asked === undefined || version === asked) return true;
  return validRange(asked) !== null && satisfies(coerce(version) ?? version, asked);
}

async function versionInside(
  ctx: Ctx,
  guest: Guest,
  { plan, name }: { plan: VmPlan; name: string },
): Promise<string | null> {
  const argv = ['/usr/bin/env', ...(questions[name] ?? [])];
  const options = { user: plan.user.name, cwd: '/', timeout: 60_000 };
  const { exitCode, stdout } = await guest.exec(argv, ctx.io, options);
  return exitCode === 0 ? (/\d+(\.\d+)+/.exec(stdout)?.[0] ?? null) : null;
}

async function workstationVersions(
  ctx: Ctx,
  project: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const scope = { root: '/', home: ctx.host.user.home, project };
  const { found } = await detect(ctx, { areas: ['languages'], scope });
  const current = (found.languages ?? []).filter((language) => language.current);
  return new Map(current.map(({ name, version }) => [name, version]));
}
