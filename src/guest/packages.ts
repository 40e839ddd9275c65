import { isCloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { PlannedPackage } from '../core/plan.ts';
import { inPhase, runInGuest } from './phase.ts';

const apt = [
  ...['apt-get', '-y', '-q', '--no-install-recommends'],
  ...['-o', 'Acquire::Retries=3', '-o', 'Acquire::http::Timeout=30'],
  ...[
    '-o',
    'DPkg::Lock::Timeout=120',
    '-o',
    'Dpkg::Options::=--force-confold',
    '-o',
    'Dpkg::Options::=--force-unsafe-io',
  ],
];

const environment = { DEBIAN_FRONTEND: 'noninteractive' };

/**
 * Installs the plan's packages, without recommended ones: what is not named is not in. The lists that came with the
 * image are tried first, which saves the slow update; when they are missing or stale they are fetched.
 */
export async function installPackages(
  guest: Guest,
  packages: readonly PlannedPackage[],
  io: Io,
): Promise<void> {
  if (packages.length === 0) return;
  const wanted = packages.map(({ name, version }) =>
    version === undefined ? name : `${name}=${version}`,
  );
  const phase = {
    id: 'packages',
    title: `Installing ${wanted.length} package${wanted.length === 1 ? '' : 's'}`,
  };
  await inPhase(phase, io, async () => {
    const install = () =>
      runInGuest(guest, [...apt, 'install', '--', ...wanted], {
        ...{ io, phase, env: environment, timeout: 1_800_000, told: countPackages() },
        shown: `apt-get install ${wanted.join(' ')}`,
      });
    try {
      await install();
    } catch (error) {
      if (!isCloneboxError(error, 'guest-failed') || error.facts.exitCode === undefined)
        throw error;
      io.emit({ kind: 'detail', text: 'fetching the package lists' });
      await runInGuest(guest, [...apt, 'update'], {
        ...{ io, phase, env: environment, timeout: 600_000 },
        shown: 'apt-get update',
      });
      await install();
    }
  });
}

/** Says of each package that apt-get unpacks or sets up how far it is with all of them. */
function countPackages(): (line: string) => string {
  let total = 0;
  let done = 0;
  return (line) => {
    total = 2 * Number(/(\d+) newly installed/.exec(line)?.[1] ?? total / 2);
    if (total === 0 || !/^(Unpacking|Setting up) /.test(line)) return line;
    done += 1;
    return `${Math.min(99, Math.round((100 * done) / total))}% ${line}`;
  };
}

/** Installs snaps, with snapd itself if the image has none. */
export async function installSnaps(guest: Guest, snaps: readonly string[], io: Io): Promise<void> {
  if (snaps.length === 0) return;
  const finding = {
    source: 'snap_packages',
    confidence: 'certain',
    reason: 'snaps need snapd',
  } as const;
  if ((await guest.readFile('/usr/bin/snap', io).catch(() => undefined)) === undefined) {
    await installPackages(guest, [{ name: 'snapd', version: undefined, finding }], io);
  }
  const phase = {
    id: 'snaps',
    title: `Installing ${snaps.length} snap${snaps.length === 1 ? '' : 's'}`,
  };
  await inPhase(phase, io, async () => {
    for (const snap of snaps)
      await runInGuest(guest, ['snap', 'install', '--', snap], { io, phase, timeout: 1_800_000 });
  });
}
