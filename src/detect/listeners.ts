import type { DetectInput } from '../core/detect.ts';
import type { Files } from '../core/host.ts';
import { groupBy } from '../lib/group-by.ts';
import { mapBounded } from '../lib/map-bounded.ts';
import { below } from './paths.ts';
import { type RunningProcess, readProcesses } from './processes.ts';
import { shareInCall } from './share-in-call.ts';
import { type ListeningSocket, readSockets } from './sockets.ts';

/** A listening socket and the process that has it. */
export interface Listener {
  readonly socket: ListeningSocket;
  readonly process: RunningProcess | undefined;
  /** `open`: it has the socket open. `user`: the socket was made by a user that only its service runs as. */
  readonly known: 'open' | 'user' | undefined;
}

export interface Listeners {
  readonly listeners: readonly Listener[];
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

/** Whose ids begin here are people, and their programs. */
const firstPerson = 1000;
const atOnce = 4;
/** Milliseconds for looking through open files: of a socket that nobody has, it is only known in the end. */
const patience = 400;

/** The listening sockets and whose they are, as far as it may be read: what others have open is their own business. */
export const readListeners = shareInCall(async (input: DetectInput): Promise<Listeners> => {
  const [{ sockets, unread }, processes] = await Promise.all([
    readSockets(input),
    readProcesses(input),
  ]);
  const { holders, isWhole } = await findHolders(input, sockets, processes);
  const services = servicesOfUsers(processes);
  const listeners = sockets.map((socket): Listener => {
    const holder = holders.get(socket.inode);
    if (holder !== undefined) return { socket, process: holder, known: 'open' };
    const service = services.get(socket.uid);
    return { socket, process: service, known: service === undefined ? undefined : 'user' };
  });
  const notes = unread.length === 0 ? [] : [`${unread.join(', ')} cannot be read`];
  if (!isWhole) notes.push('there are too many open files to see whose all ports are');
  return { listeners, notes };
});

async function findHolders(
  input: DetectInput,
  sockets: readonly ListeningSocket[],
  processes: readonly RunningProcess[],
): Promise<{ holders: ReadonlyMap<string, RunningProcess>; isWhole: boolean }> {
  const { host, io, scope } = input;
  const end = host.now() + patience * input.pace;
  const isLate = () => host.now() > end;
  const wanted = new Set(sockets.map(({ inode }) => inode));
  const makers = new Set(sockets.map(({ uid }) => uid));
  const holders = new Map<string, RunningProcess>();
  const look = async (process: RunningProcess) => {
    if (holders.size === wanted.size || isLate()) return;
    io.signal.throwIfAborted();
    const directory = below(scope.root, `/proc/${process.pid}/fd`);
    for (const inode of await openSockets(host.files, directory, { wanted, isLate })) {
      const other = holders.get(inode);
      // Workers have the socket of the one that made them.
      if (other === undefined || (process.pid < other.pid && process.pid !== 1)) {
        holders.set(inode, process);
      }
    }
  };
  // A daemon gets its port as root and goes on as somebody else; a person's programs do not.
  const likely = processes.filter(
    ({ uid }) => makers.has(uid) || (makers.has(0) && uid < firstPerson),
  );
  // The first process listens for the services that it has not started yet: it comes last.
  await mapBounded(
    likely.filter(({ pid }) => pid !== 1),
    atOnce,
    look,
  );
  const first = likely.find(({ pid }) => pid === 1);
  if (first !== undefined) await look(first);
  return { holders, isWhole: holders.size === wanted.size || !isLate() };
}

async function openSockets(
  files: Files,
  directory: string,
  { wanted, isLate }: { wanted: ReadonlySet<string>; isLate: () => boolean },
): Promise<string[]> {
  const names = await files.list(directory).catch(() => []);
  const found: string[] = [];
  // Those of a process that has thousands are asked for one part after the other.
  for (let at = 0; at < names.length && wanted.size > found.length && !isLate(); at += 64) {
    const links = await Promise.all(
      names
        .slice(at, at + 64)
        .map((name) => files.readLink(`${directory}/${name}`).catch(() => undefined)),
    );
    for (const link of links) {
      const inode = /^socket:\[(\d+)\]$/.exec(link ?? '')?.[1];
      if (inode !== undefined && wanted.has(inode)) found.push(inode);
    }
  }
  return found;
}

/** The first process of the service that all processes of a user belong to, by the id of that user. */
function servicesOfUsers(processes: readonly RunningProcess[]): Map<number, RunningProcess> {
  const services = new Map<number, RunningProcess>();
  for (const [uid, own] of groupBy(processes, (process) => process.uid)) {
    const [first] = own;
    const unit = first?.place.unit;
    if (uid === 0 || first === undefined || unit === undefined) continue;
    if (own.every(({ place }) => place.unit === unit)) services.set(uid, first);
  }
  return services;
}
