import type { DetectInput } from '../core/detect.ts';
import type { Files } from '../core/host.ts';
import { mapBounded } from '../lib/map-bounded.ts';
import { type Place, placeOf } from './cgroup.ts';
import { below, inUsr } from './paths.ts';
import { shareInCall } from './share-in-call.ts';

/** A process of a program: no thread of the kernel, no zombie. What it was called with is not read at all. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  /** At most 15 characters, by the program's own will. */
  readonly name: string;
  /** `undefined` where there is none, or it may not be read. */
  readonly executable: string | undefined;
  /** True of a process of others, whose program may not be read. */
  readonly hidden: boolean;
  readonly place: Place;
  /** Resident bytes. */
  readonly memory: number;
}

const atOnce = 32;
const most = 20_000;

/** All running processes, but for this one and those it started to look around. Those that end meanwhile are left out. */
export const readProcesses = shareInCall(async (input: DetectInput): Promise<RunningProcess[]> => {
  const { files } = input.host;
  const proc = below(input.scope.root, '/proc');
  const [names, self, origin] = await Promise.all([
    files.list(proc),
    files.readLink(`${proc}/self`),
    readOrigin(files, proc),
  ]);
  const pids = names.filter((name) => /^[1-9]\d*$/.test(name)).slice(0, most);
  const all = await mapBounded(pids, atOnce, async (pid) => {
    input.io.signal.throwIfAborted();
    return readProcess(files, `${proc}/${pid}`, origin);
  });
  const found = all.filter((process) => process !== undefined);
  return withoutOurs(found, Number(self)).toSorted((one, other) => one.pid - other.pid);
});

async function readProcess(
  files: Files,
  directory: string,
  origin: string,
): Promise<RunningProcess | undefined> {
  // Whatever fails, fails because the process has ended or is none of our business.
  const read = (name: string) => files.readText(`${directory}/${name}`).catch(() => undefined);
  const status = await read('status');
  // Threads of the kernel and zombies have no memory.
  if (status === undefined || !/^VmSize:/m.test(status)) return undefined;
  let hidden = false;
  const [cgroup, link] = await Promise.all([
    read('cgroup'),
    files.readLink(`${directory}/exe`).catch(() => {
      hidden = true;
      return undefined;
    }),
  ]);
  const path = cgroupOf(cgroup ?? '');
  return {
    pid: Number(directory.slice(directory.lastIndexOf('/') + 1)),
    parent: numberOf(status, /^PPid:\s*(\d+)/m),
    // The effective one.
    uid: numberOf(status, /^Uid:\s*\d+\s+(\d+)/m),
    name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? '',
    executable: executableOf(link),
    hidden,
    place: placeOf(path.startsWith(origin) ? path.slice(origin.length) : path),
    memory: numberOf(status, /^VmRSS:\s*(\d+)/m) * 1024,
  };
}

function numberOf(status: string, pattern: RegExp): number {
  return Number(pattern.exec(status)?.[1] ?? 0);
}

/** Where this whole machine is, when it is a container that sees the groups of the one around it. */
async function readOrigin(files: Files, proc: string): Promise<string> {
  const text = await files.readText(`${proc}/1/cgroup`).catch(() => undefined);
  const path = cgroupOf(text ?? '').replace(/\/init\.scope$/, '');
  return placeOf(path).kind === 'container' ? path : '';
}

/** The path in systemd's own hierarchy, or in the only one of version 2. */
function cgroupOf(text: string): string {
  return (/^\d+:name=systemd:(.*)$/m.exec(text) ?? /^0::(.*)$/m.exec(text))?.[1] ?? '/';
}

/** The path of a program's file; it is followed by a mark when an upgrade has replaced it. */
function executableOf(link: string | undefined): string | undefined {
  const path = link?.replace(/ \(deleted\)$/, '');
  // A program may have no file at all.
  return path?.startsWith('/') && !path.startsWith('/memfd:') ? inUsr(path) : undefined;
}

function withoutOurs(processes: readonly RunningProcess[], self: number): RunningProcess[] {
  const ours = new Set([self]);
  for (let before = 0; before < ours.size; ) {
    before = ours.size;
    for (const { pid, parent } of processes) if (ours.has(parent)) ours.add(pid);
  }
  return processes.filter(({ pid }) => !ours.has(pid));
}
