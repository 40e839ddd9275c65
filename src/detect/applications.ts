import type { DetectInput, Detector, FoundApplication } from '../core/detect.ts';
import type { Finding } from '../core/plan.ts';
import { groupBy } from '../lib/group-by.ts';
import { printable } from '../lib/printable.ts';
import { readDpkg } from './dpkg.ts';
import { readOwners } from './owners.ts';
import { baseName } from './paths.ts';
import { isPlumbing } from './plumbing.ts';
import { type RunningProcess, readProcesses } from './processes.ts';
import { readDaemons } from './service-daemons.ts';

type Owner = FoundApplication['owner'];

const firstPerson = 1000;

/** What the user has running, by the files of the programs: not what the system has, and not what it was called with. */
export const applications: Detector<'applications'> = {
  area: 'applications',
  summary: 'programs that you have running, and the packages they are from',
  async detect(input) {
    const [processes, daemons, base] = await Promise.all([
      readProcesses(input),
      readDaemons(input),
      readBase(input),
    ]);
    noteUnread(input, processes);
    const running = processes.filter(
      (process) => !daemons.has(process.pid) && !isPlumbing(process),
    );
    const groups = [...groupBy(running, keyOf).values()].map((group) => ({
      group,
      ...programOf(group[0] as RunningProcess),
    }));
    const strangers = groups.filter(({ owner }) => owner === null);
    const owners = await readOwners(
      input,
      strangers.map(({ executable }) => executable),
    );
    return groups
      .map(({ group, executable, owner }) =>
        describe(group, executable, owner ?? owners.get(executable) ?? null),
      )
      .filter(({ owner }) => owner?.kind !== 'apt' || !base.has(owner.name))
      .toSorted(
        (one, other) => other.memory - one.memory || one.executable.localeCompare(other.executable),
      );
  },
};

/** The packages that no system is without: their programs are the system's own. */
async function readBase(input: DetectInput): Promise<ReadonlySet<string>> {
  // Who the detector of packages tells that they cannot be read.
  const dpkg = await readDpkg(input).catch(() => undefined);
  return new Set(dpkg?.packages.filter(({ base }) => base).map(({ name }) => name));
}

function noteUnread({ note }: DetectInput, processes: readonly RunningProcess[]): void {
  const unread = processes.filter(
    ({ hidden, uid, place }) =>
      hidden && uid >= firstPerson && place.kind !== 'service' && place.kind !== 'container',
  );
  if (unread.length === 0) return;
  const whose =
    unread.length === 1
      ? 'a process of another user is'
      : `${unread.length} processes of other users are`;
  note(`${whose} left out: the program may not be seen`);
}

function programOf({ executable = '', place }: RunningProcess): {
  executable: string;
  owner: Owner;
} {
  const snap = /^(?:\/var\/lib\/snapd)?\/snap\/([a-z0-9-]+)(?:_[a-z0-9]+)?\//.exec(executable)?.[1];
  const flatpak = /\/flatpak\/app\/([^/]+)\//.exec(executable)?.[1];
  if (place.owner !== undefined) return { executable, owner: place.owner };
  if (snap !== undefined) return { executable, owner: { kind: 'snap', name: snap } };
  if (flatpak !== undefined) return { executable, owner: { kind: 'flatpak', name: flatpak } };
  return { executable, owner: null };
}

function keyOf(process: RunningProcess): string {
  const { executable, owner } = programOf(process);
  return `${owner?.kind} ${owner?.name} ${executable}`;
}

function describe(
  group: readonly RunningProcess[],
  executable: string,
  owner: Owner,
): FoundApplication {
  return {
    name: printable(baseName(executable), 60),
    executable: printable(executable, 300),
    owner: owner === null ? null : { kind: owner.kind, name: printable(owner.name, 100) },
    processes: group.length,
    memory: group.reduce((sum, { memory }) => sum + memory, 0),
    finding: { source: '/proc', ...certaintyOf(group, owner) },
  };
}

function certaintyOf(group: readonly RunningProcess[], owner: Owner): Omit<Finding, 'source'> {
  if (group.some(({ place }) => place.kind === 'application')) {
    return { confidence: 'certain', reason: 'it was started as an application' };
  }
  return owner === null
    ? { confidence: 'guess', reason: 'it runs, and no package is known to have it' }
    : { confidence: 'likely', reason: 'it runs, and is of a package' };
}
