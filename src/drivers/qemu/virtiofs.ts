import type { ShareSpec } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { FileIdentity } from '../../core/file-facts.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import { isSame, type ProjectTree } from '../../core/project-tree.ts';
import type { RuntimeFiles } from './runtime-files.ts';

/** Distributions put virtiofsd outside the PATH (docs/lab.md). */
const places = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd', '/usr/lib/virtiofsd'];

export interface VirtiofsChoice {
  readonly program: string;
  /** `c`: the old daemon of QEMU 7 and before, which wants root; `rust`: the one that replaced it. */
  readonly flavour: 'c' | 'rust';
}

/** Whether a share has a virtiofsd of its own; else QEMU itself serves it. */
export function isServed(share: Pick<ShareSpec, 'driver'>): boolean {
  return share.driver === 'virtiofs';
}

/** The virtiofsd of this host, if there is one this user can run. */
export async function findVirtiofsd(host: Host, io: Io): Promise<VirtiofsChoice | undefined> {
  const program = await host.which('virtiofsd', places);
  if (program === undefined) return undefined;
  const help = await host.run([program, '--help'], io, { timeout: 5000 });
  const flavour = `${help.stdout}${help.stderr}`.includes('--shared-dir') ? 'rust' : 'c';
  if (flavour === 'c' && host.user.uid !== 0) {
    const probe = await host.run(['unshare', ...namespaceOptions(host), '--mount', 'true'], io, {
      timeout: 5000,
    });
    if (probe.exitCode !== 0) return undefined;
  }
  return { program, flavour };
}

/** The caller keeps its own uid inside, and root of the namespace (which virtiofsd wants) is a subordinate uid. */
function namespaceOptions(host: Host): string[] {
  return [
    `--map-user=${host.user.uid}`,
    `--map-group=${host.user.gid}`,
    '--map-auto',
    ...['--setuid', '0', '--setgid', '0'],
  ];
}

/**
 * Becomes virtiofsd in its namespace. The old one keeps a lock file below /run, which only root of the host may write:
 * it gets a /run of its own, with our directories in it where they are below /run themselves. Its socket belongs to
 * root of the namespace, until it is given to the caller, whose QEMU connects to it.
 * Parameters: runtime directory, shared directory, socket, its owner, argv.
 */
const rootlessScript = `directory=$1 source=$2 socket=$3 owner=$4; shift 4
exec 8<"$directory" 9<"$source"
mount -t tmpfs tmpfs /run || exit
give() {
  case $2 in /run/*) mkdir -p "$2" && mount --no-canonicalize --bind "/proc/self/fd/$1" "$2" || exit;; esac
}
give 8 "$directory"
give 9 "$source"
exec 8<&- 9<&-
(until [ -S "$socket" ] || ! kill -0 $$; do sleep 0.02; done; chown "$owner" "$socket") &
exec "$@"`;

/**
 * Starts one virtiofsd for one share and waits until its socket is there. It ends with QEMU. It is given the directory by
 * its name, and may open it as late as QEMU connects: `checkVirtiofsd` says whether it has the right one.
 */
export async function startVirtiofsd(
  host: Host,
  choice: VirtiofsChoice,
  options: { share: ShareSpec; files: RuntimeFiles; io: Io },
): Promise<void> {
  const { share, files, io } = options;
  const socket = files.virtiofs(share.tag);
  const daemon =
    choice.flavour === 'rust'
      ? [
          choice.program,
          `--socket-path=${socket}`,
          `--shared-dir=${share.host}`,
          '--cache=auto',
          '--xattr',
        ]
      : [
          choice.program,
          `--socket-path=${socket}`,
          ...['-o', `source=${share.host.replaceAll('\\', '\\\\').replaceAll(',', '\\,')}`],
          ...['-o', 'cache=auto', '-o', 'xattr', '--rlimit-nofile=0', '-f'],
        ];
  if (share.readOnly && choice.flavour === 'rust') daemon.push('--readonly');
  // As root it could make the device of a disk of this host, for everybody to open.
  if (host.user.uid === 0)
    daemon.push(...(choice.flavour === 'c' ? ['-o', 'modcaps=-mknod'] : ['--modcaps=-mknod']));
  const wrapped =
    choice.flavour === 'c' && host.user.uid !== 0
      ? [
          'unshare',
          ...namespaceOptions(host),
          ...['--mount', '--fork', '--kill-child'],
          ...['sh', '-c', rootlessScript, 'virtiofsd'],
          ...[files.directory, share.host, socket, `${host.user.uid}:${host.user.gid}`],
          ...daemon,
        ]
      : daemon;
  const log = `${socket}.log`;
  const process = await host.startDaemon(wrapped, { logFile: log });
  for (;;) {
    const facts = await host.files.facts(socket);
    if (facts?.kind === 'socket' && facts.uid === host.user.uid) return;
    if (!(await host.isAlive(process))) {
      throw new CloneboxError('hypervisor-failed', `virtiofsd ended at once for ${share.host}`, {
        hint: 'Use vm.share_driver: 9p.',
        facts: { log: await host.files.readTail(log, 1000) },
      });
    }
    await host.sleep(20, io.signal);
  }
}

const rootTries = 100;
const rootPause = 100;

/** What the processes of a socket have made their root. */
async function rootsOf(host: Host, socket: string): Promise<FileIdentity[]> {
  const processes = await host.processesMentioning(socket);
  const roots = await Promise.all(
    processes.map(({ pid }) => host.files.identity(`/proc/${pid}/root`)),
  );
  const own = await host.files.identity('/');
  return roots.filter((root) => root !== undefined).filter((root) => !(own && isSame(root, own)));
}

/**
 * Whether the virtiofsd of a share, to which QEMU is connected, serves that very directory: it has made it its root. To be
 * asked before the guest runs. Fails with `refused` when it is another one: somebody has renamed it in between.
 */
export async function checkVirtiofsd(
  host: Host,
  { share, tree, files, io }: { share: ShareSpec; tree: ProjectTree; files: RuntimeFiles; io: Io },
): Promise<void> {
  let served = await rootsOf(host, files.virtiofs(share.tag));
  // On a busy host it may not have come to that yet.
  for (let left = rootTries; served.length === 0 && left > 0; left -= 1) {
    await host.sleep(rootPause, io.signal);
    served = await rootsOf(host, files.virtiofs(share.tag));
  }
  if (served.length > 0 && served.every((root) => isSame(root, tree.identity))) return;
  throw new CloneboxError(
    'refused',
    served.length > 0
      ? `the shared directory ${share.host} was replaced while the machine was started`
      : `it cannot be told which directory virtiofsd serves for ${share.host}`,
    {
      hint: 'Look who renames it, then try again; vm.share_driver: 9p does without virtiofsd.',
      facts: { path: share.host },
    },
  );
}
