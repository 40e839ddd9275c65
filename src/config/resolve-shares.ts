import type { PlannedShare, ShareMode } from '../core/plan.ts';
import { quoted } from '../lib/printable.ts';
import { mountProblem } from './guest-path.ts';
import { hostPath, isWithin } from './host-path.ts';
import type { PlanInput, Report } from './plan-input.ts';
import type { Path } from './problem.ts';

interface WrittenShare {
  readonly host: string;
  readonly guest: string;
  readonly mode: ShareMode | undefined;
  /** Where the file says it. */
  readonly at: (part: 'host' | 'guest') => Path;
}

/**
 * The shares in the order in which they are mounted. The project is writable, what is
 * outside of it only when the file says so; without `shares` the project is shared, at its own path.
 */
export function resolveShares(input: PlanInput, report: Report): PlannedShare[] {
  const places = new Set<string>();
  const shares = written(input).flatMap(({ host: text, guest, mode, at }): PlannedShare[] => {
    const host = hostPath(text, input, (message) => report(at('host'), message));
    if (host === undefined) return [];
    const place = guest === 'same' ? host : guest;
    const hidden = guest === 'same' && text !== '.' ? mountProblem(place) : undefined;
    if (hidden) report(at('guest'), hidden);
    if (places.has(place)) report(at('guest'), `is ${quoted(place)}, the place of another share`);
    places.add(place);
    const inProject = input.project !== undefined && isWithin(input.project, host);
    return [{ host, guest: place, mode: mode ?? (inProject ? 'rw' : 'ro') }];
  });
  return inMountOrder(shares, input.project);
}

/** The project's share first, as far as no other one is mounted around it: a later mount would hide an inner one. */
function inMountOrder(
  shares: readonly PlannedShare[],
  project: string | undefined,
): PlannedShare[] {
  const projects = shares.filter(({ host }) => host === project);
  const others = shares.filter(({ host }) => host !== project);
  const ordered: PlannedShare[] = [];
  for (const share of [...projects, ...others]) {
    const inner = ordered.findIndex(({ guest }) => isWithin(share.guest, guest));
    ordered.splice(inner < 0 ? ordered.length : inner, 0, share);
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
      at: (part: 'host' | 'guest') => ['shares', index, part],
    }),
  );
  const paths = Object.entries(config.paths ?? {}).map(([host, guest]) => ({
    host,
    guest,
    mode: undefined,
    at: () => ['paths', host],
  }));
  return [...shares, ...paths];
}
