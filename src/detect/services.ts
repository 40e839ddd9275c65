import type { DetectInput, Detector, FoundService } from '../core/detect.ts';
import { groupBy } from '../lib/group-by.ts';
import { printable } from '../lib/printable.ts';
import { type Listener, readListeners } from './listeners.ts';
import { type PackageOwner, readOwners } from './owners.ts';
import { isInterpreter } from './plumbing.ts';
import { type RunningProcess, readProcesses } from './processes.ts';
import { type Daemon, findDaemons } from './service-daemons.ts';
import { mayBeClient } from './sockets.ts';
import { isBooted, readUnits, type Unit } from './units.ts';

/** A service, the processes that are known to be its, and what says that it is one. */
interface Service extends Pick<FoundService, 'unit' | 'running' | 'enabled' | 'finding'> {
  readonly processes: readonly RunningProcess[];
}

/** The services that run or start at boot: as systemd has them, or by their processes where there is none. */
export const services: Detector<'services'> = {
  area: 'services',
  summary: 'services that run or start at boot, their packages and ports',
  async detect(input) {
    const [found, { listeners }] = await Promise.all([readServices(input), readListeners(input)]);
    const owners = await readOwners(input, found.flatMap(filesOf));
    return found
      .map((service): FoundService => {
        const { unit, running, enabled, finding, processes } = service;
        return {
          name: printable(unit.replace(/\.service$/, '')),
          unit: printable(unit, 300),
          running,
          enabled,
          package: snapOf(unit) ?? packageOf(service, owners),
          ports: portsOf(processes, listeners),
          finding,
        };
      })
      .toSorted((one, other) => (one.unit < other.unit ? -1 : 1));
  },
};

async function readServices(input: DetectInput): Promise<Service[]> {
  const units = (await isBooted(input)) ? await readUnits(input) : undefined;
  if (units === undefined) return servicesOf(await findDaemons(input));
  const processes = groupBy(await readProcesses(input), ({ place }) => place.unit);
  return units.map((unit) => ({
    unit: unit.name,
    running: unit.running,
    enabled: unit.enabled,
    processes: processes.get(unit.name) ?? [],
    finding: { source: 'systemctl', confidence: 'certain', reason: reasonOf(unit) },
  }));
}

function reasonOf({ running, enabled, state }: Unit): string {
  if (running) return enabled === true ? 'it runs, and starts at boot' : 'it runs';
  return `it starts at boot; now it is ${printable(state, 20)}`;
}

function servicesOf(daemons: ReadonlyMap<number, Daemon>): Service[] {
  return [...groupBy(daemons.values(), ({ unit }) => unit)].map(([unit, group]) => {
    const { file, process } = group.find((one) => one.file !== undefined) ?? (group[0] as Daemon);
    return {
      unit,
      running: true,
      enabled: null,
      processes: group.map((one) => one.process),
      finding:
        file === undefined
          ? {
              source: `/proc/${process.pid}`,
              confidence: 'guess',
              reason: 'a server of this name runs',
            }
          : { source: printable(file, 200), confidence: 'likely', reason: 'its program runs' },
    };
  });
}

function packageOf(service: Service, owners: ReadonlyMap<string, PackageOwner>): string | null {
  const names = filesOf(service).flatMap((file) => owners.get(file)?.name ?? []);
  // Debian has the units of some servers in a package that has no server.
  return names.find((name) => !name.endsWith('-common')) ?? names[0] ?? null;
}

/** The files whose package is the service's: its unit, the script before units, its program unless that runs anything. */
function filesOf({ unit, processes }: Service): string[] {
  const name = unit.replace(/\.service$/, '');
  const own = [unit, unit.replace(/@.*(?=\.service$)/, '@')];
  const programs = processes.flatMap(({ executable }) => executable ?? []);
  return [
    ...[...new Set(own)].map((one) => `/usr/lib/systemd/system/${one}`),
    `/etc/init.d/${name}`,
    ...programs.slice(0, 1).filter((program) => !isInterpreter(program)),
  ];
}

/** snapd writes the units of snaps itself. */
function snapOf(unit: string): string | undefined {
  return /^snap\.([a-z0-9-]+)(?:_[a-z0-9]+)?\./.exec(unit)?.[1];
}

function portsOf(processes: readonly RunningProcess[], listeners: readonly Listener[]): number[] {
  const own = new Set(processes);
  const ports = listeners
    .filter(({ socket, process }) => process && own.has(process) && !mayBeClient(socket))
    .map(({ socket }) => socket.port);
  return [...new Set(ports)].toSorted((one, other) => one - other);
}
