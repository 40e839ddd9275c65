import type { DetectInput } from '../core/detect.ts';
import type { Files } from '../core/host.ts';
import { mapBounded } from '../lib/map-bounded.ts';
import { baseName, below, inUsr } from './paths.ts';
import { isInterpreter } from './plumbing.ts';
import { type RunningProcess, readProcesses } from './processes.ts';
import { shareInCall } from './share-in-call.ts';
import { isBooted, isMachinery } from './units.ts';

/** A process that is a service, though no systemd says so. */
export interface Daemon {
  readonly process: RunningProcess;
  readonly unit: string;
  /** What says so: its control group, the file of a unit, an init script; or nothing but the name of its program. */
  readonly file: string | undefined;
}

/** Servers whose units start them by way of another program, or that have none: by the exact name of the program. */
const servers = new Map([
  ['postgres', 'postgresql'],
  ['mariadbd', 'mariadb'],
  ['mysqld', 'mysql'],
  ['mongod', 'mongod'],
  ['redis-server', 'redis-server'],
  ['valkey-server', 'valkey-server'],
  ['memcached', 'memcached'],
  ['nginx', 'nginx'],
  ['apache2', 'apache2'],
  ['httpd', 'httpd'],
  ['caddy', 'caddy'],
  ['haproxy', 'haproxy'],
  ['sshd', 'ssh'],
  ['dockerd', 'docker'],
  ['containerd', 'containerd'],
  ['cron', 'cron'],
  ['crond', 'crond'],
  ['rsyslogd', 'rsyslog'],
  ['cupsd', 'cups'],
  ['named', 'named'],
  ['dnsmasq', 'dnsmasq'],
]);

/** The processes that are services where there is no systemd, by pid; none where there is one. */
export const readDaemons = shareInCall(
  async (input: DetectInput): Promise<ReadonlyMap<number, Daemon>> => {
    if (await isBooted(input)) return new Map();
    return findDaemons(input);
  },
);

/**
 * The processes in the control groups of services; and those of programs that units or init scripts start, or that are known
 * for servers, unless they have a terminal.
 */
export async function findDaemons(input: DetectInput): Promise<ReadonlyMap<number, Daemon>> {
  const { files } = input.host;
  const { root } = input.scope;
  const [processes, starts, scripts] = await Promise.all([
    readProcesses(input),
    readStarts(input),
    files.list(below(root, '/etc/init.d')).catch((): string[] => []),
  ]);
  const daemons = await mapBounded(processes, 16, async (process): Promise<Daemon | undefined> => {
    const { executable, pid, place } = process;
    if (place.kind === 'container') return undefined;
    if (place.unit !== undefined) {
      const file = `/proc/${pid}/cgroup`;
      return isMachinery(place.unit) ? undefined : { process, unit: place.unit, file };
    }
    // Of other users the program may not be seen, but its own word for itself.
    const name = executable === undefined ? process.name : baseName(executable);
    const start = executable === undefined ? undefined : starts.get(executable);
    const script = scripts.includes(name) ? `/etc/init.d/${name}` : undefined;
    const unit = start?.unit ?? (script === undefined ? servers.get(name) : name);
    if (unit === undefined) return undefined;
    if (await hasTerminal(files, below(root, `/proc/${pid}`))) return undefined;
    return { process, unit: start?.unit ?? `${unit}.service`, file: start?.file ?? script };
  });
  return new Map(
    daemons.flatMap((one) => (one === undefined ? [] : [[one.process.pid, one] as const])),
  );
}

/** True of one that has ended, too: there is nothing to be said about it any more. */
async function hasTerminal(files: Files, directory: string): Promise<boolean> {
  const stat = await files.readText(`${directory}/stat`).catch(() => undefined);
  // proc(5): the name of the program, in parentheses, may hold anything; state ppid pgrp session tty_nr follow it.
  const terminal = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[4];
  return terminal !== '0';
}

interface Start {
  readonly unit: string;
  readonly file: string;
}

const directories = ['/usr/lib/systemd/system', '/lib/systemd/system', '/etc/systemd/system'];
const most = 1000;

/** The programs that units start, by path; the first unit of a program counts, and those of packages come first. */
async function readStarts({ host, scope }: DetectInput): Promise<ReadonlyMap<string, Start>> {
  const { files } = host;
  const starts = new Map<string, Start>();
  const seen = new Set<string>();
  for (const directory of directories) {
    const place = await files.realPath(below(scope.root, directory)).catch(() => undefined);
    if (place === undefined || seen.has(place)) continue;
    seen.add(place);
    const names = await files.list(place).catch((): string[] => []);
    const units = names
      .filter((name) => name.endsWith('.service') && !name.includes('@') && !isMachinery(name))
      .slice(0, most);
    const programs = await mapBounded(units, 16, async (unit) => {
      const text = await files.readText(`${place}/${unit}`).catch(() => undefined);
      const program = /^ExecStart=[@:+!|-]*(\/\S+)/m.exec(text ?? '')?.[1];
      return program === undefined ? undefined : realProgram(files, scope.root, program);
    });
    for (const [index, unit] of units.entries()) {
      const program = programs[index];
      if (program === undefined || isInterpreter(program) || starts.has(program)) continue;
      starts.set(program, { unit, file: `${directory}/${unit}` });
    }
  }
  return starts;
}

async function realProgram(files: Files, root: string, program: string): Promise<string> {
  const real = await files.realPath(below(root, program)).catch(() => undefined);
  const inside = root === '/' ? real : real?.startsWith(`${root}/`) && real.slice(root.length);
  return inUsr(inside || program);
}
