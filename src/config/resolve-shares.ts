import type { PlannedShare, ShareMode } from '../core/plan.ts';
import { isWithin } from '../lib/is-within.ts';
import { quoted } from '../lib/printable.ts';
import { mountProblem } from './guest-path.ts';
import { hostPath } from './host-path.ts';
import type { PlanInput, Report } from './plan-input.ts';
import type { Path } from './problem.ts';

interface WrittenShare {
  readonly host: string;
  readonly guest: string;
  readonly mode: ShareMode | undefined;
  readonly at: LocatedShare['at'];
}

export interface LocatedShare {
  readonly share: PlannedShare;
  /** Where the file says it. */
  readonly at: (part: 'host' | 'guest' | 'mode') => Path;
}

/**
 * The shares in the order in which they are mounted. The project is writable, what is
 * outside of it only when the file says so; without `shares` the project is shared, at its own path.
 */
export function resolveShares(input: PlanInput, report: Report): PlannedShare[] {
  return locateShares(input, report).map(({ share }) => share);
}

/** As `resolveShares`, each with where the file says it. */
export function locateShares(input: PlanInput, report: Report): LocatedShare[] {
  const places = new Set<string>();
  const shares = written(input).flatMap(({ host: text, guest, mode, at }): LocatedShare[] => {
    const host = hostPath(text, input, (message) => report(at('host'), message));
    if (host === undefined) return [];
    const place = guest === 'same' ? host : guest;
    const hidden = guest === 'same' && text !== '.' ? mountProblem(place) : undefined;
    if (hidden) report(at('guest'), hidden);
    if (places.has(place)) report(at('guest'), `is ${quoted(place)}, the place of another share`);
    places.add(place);
    const inProject = input.project !== undefined && isWithin(input.project, host);
    return [{ share: { host, guest: place, mode: mode ?? (inProject ? 'rw' : 'ro') }, at }];
  });
  return inMountOrder(shares, input.project);
}

/** Whether the file itself says how this host directory is shared. */
export function saysMode(input: PlanInput, host: string): boolean {
  return written(input).some(
    (share) => share.mode !== undefined && hostPath(share.host, input, () => {}) === host,
  );
}

/** The project's share first, as far as no other one is mounted around it: a later mount would hide an inner one. */
function inMountOrder(
  shares: readonly LocatedShare[],
  project: string | undefined,
): LocatedShare[] {
  const projects = shares.filter(({ share }) => share.host === project);
  const others = shares.filter(({ share }) => share.host !== project);
  const ordered: LocatedShare[] = [];
  for (const one of [...projects, ...others]) {
    const inner = ordered.findIndex(({ share }) => isWithin(one.share.guest, share.guest));
    ordered.splice(inner < 0 ? ordered.length : inner, 0, one);
  }
  return ordered;
}

function written({ config, project }: PlanInput): WrittenShare[] {
  const usual = project === undefined ? [] : [{ host: '.' }];
  const shares = (config.shares ?? usual).map(
    (share: { host: string; guest?: string | undefined; mode?: ShareMode | undefined }, index) => ({
      host: share.host,
      guest: share.guest ?? 'same',
      mode: share.mode,
      at: (part: 'host' | 'guest' | 'mode') => ['shares', index, part],
    }),
  );
  const paths = Object.entries(config.paths ?? {}).map(([host, guest]) => ({
    host,
    guest,
    mode: undefined,
    at: (part: 'host' | 'guest' | 'mode') => ['paths', host, ...(part === 'mode' ? [part] : [])],
  }));
  return [...shares, ...paths];
}
