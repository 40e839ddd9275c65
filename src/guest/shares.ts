import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import type { MountedShare } from '../core/setup.ts';
import { shellQuote } from '../lib/quote.ts';
import type { GuestFile } from './archive.ts';

export const sharesUnit = 'clonebox-shares.service';

const script = '/usr/local/lib/clonebox/mount-shares';

// cache=mmap: no page cache but for mmap(2), so a change made on the host is seen at the next read.
export const ninePOptions = 'trans=virtio,version=9p2000.L,msize=262144,cache=mmap';

const mountOptions = {
  '9p': `-t 9p -o ${ninePOptions}`,
  virtiofs: '-t virtiofs',
} as const;

/** The plan's live shares, in the order of their slots. */
export function liveShares(plan: VmPlan, driver: '9p' | 'virtiofs'): MountedShare[] {
  return plan.shares
    .filter((share) => share.mode !== 'copy')
    .map((share, index) => ({
      tag: `share${index}`,
      host: share.host,
      guest: share.guest,
      mode: share.mode as 'rw' | 'ro',
      driver,
    }));
}

/**
 * Early in a boot the devices may not all have been found yet: the script, which leaves alone what is mounted, is run
 * again for up to ten seconds.
 */
const patiently = `n=0; until /bin/sh ${script}; do n=$((n+1)); [ $n -lt 20 ] || exit 1; sleep 0.5; done`;

/**
 * A unit of the guest that mounts every share, at each boot, with nobody's help from outside. It is a script and not
 * mount units, since those cannot name every path a directory may have; it fails as a whole when one share fails.
 */
export function shareFiles(shares: readonly MountedShare[]): GuestFile[] {
  const unit = [
    '[Unit]',
    'Description=Directories shared by the host',
    'DefaultDependencies=no',
    'After=local-fs.target systemd-modules-load.service',
    'Before=multi-user.target',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=:/bin/sh -c '${patiently}'`,
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return [
    { path: '/usr/local/lib/clonebox', directory: true },
    { path: script, content: mountScript(shares), mode: 0o755 },
    { path: `/etc/systemd/system/${sharesUnit}`, content: unit.join('\n') },
    {
      path: `/etc/systemd/system/multi-user.target.wants/${sharesUnit}`,
      link: `/etc/systemd/system/${sharesUnit}`,
    },
  ];
}

function mountScript(shares: readonly MountedShare[]): string {
  const lines = shares.map((share) => {
    const where = shellQuote(share.guest);
    const readOnly = share.mode === 'ro' ? ',ro' : '';
    const options =
      share.driver === 'virtiofs' && readOnly
        ? '-t virtiofs -o ro'
        : `${mountOptions[share.driver]}${readOnly}`;
    return `grep -q '^${share.tag} ' /proc/self/mounts || { mkdir -p ${where}; mount ${options} ${share.tag} ${where}; }`;
  });
  return `#!/bin/sh\nset -e\n${lines.join('\n')}\n`;
}

/**
 * Tells a booted guest of shares or a driver that are not those of its last start, and mounts them; the project's own
 * commands start again over them. Costs one read when nothing has changed.
 */
export async function renewShares(
  guest: Guest,
  wanted: { shares: readonly MountedShare[]; dependents: readonly string[] },
  io: Io,
): Promise<void> {
  const content = mountScript(wanted.shares);
  const present = await guest.readFile(script, io);
  if (present === undefined || Buffer.from(present).toString('utf8') === content) return;
  await guest.writeFile(script, content, io);
  // What is not mounted afterwards is found by looking at the mounts.
  const renew = `systemctl stop ${sharesUnit}
umount -a -l -t 9p,virtiofs
systemctl start ${sharesUnit}
[ $# -eq 0 ] || systemctl start --no-block -- "$@"`;
  const argv = ['/bin/sh', '-c', renew, 'renew', ...wanted.dependents];
  await guest.exec(argv, io, { timeout: 180_000, cwd: '/' });
}

export interface GuestMount {
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
}

/** The lines of /proc/self/mounts (proc(5)): spaces and the like come as octal escapes. */
export function parseMounts(text: string): GuestMount[] {
  const decode = (field: string) =>
    Buffer.from(
      field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
      'latin1',
    ).toString('utf8');
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .split('\n')
    .flatMap((line) => {
      const [source, path, , options] = line.split(' ');
      if (source === undefined || path === undefined || options === undefined) return [];
      return [
        { source: decode(source), path: decode(path), readOnly: options.split(',').includes('ro') },
      ];
    });
}

/** The mounts of the running guest. Starts no process in it. */
export async function readMounts(guest: Guest, io: Io): Promise<GuestMount[]> {
  const text = await guest.readFile('/proc/self/mounts', io);
  return parseMounts(Buffer.from(text ?? []).toString('utf8'));
}

/** Those of `wanted` that the guest has not mounted as they should be. */
export function missingShares(
  wanted: readonly MountedShare[],
  mounts: readonly GuestMount[],
): MountedShare[] {
  return wanted.filter(
    (share) =>
      !mounts.some(
        (mount) =>
          mount.source === share.tag &&
          mount.path === share.guest &&
          mount.readOnly === (share.mode === 'ro'),
      ),
  );
}

/** The error for shares that are not there, with what the guest's unit said. */
export async function shareFailure(
  missing: readonly MountedShare[],
  guest: Guest,
  io: Io,
): Promise<CloneboxError> {
  const log = await guest
    .exec(['journalctl', '-b', '--no-pager', '-o', 'cat', '-n', '10', '-u', sharesUnit], io, {
      timeout: 30_000,
    })
    .then((result) => result.stdout.trim())
    .catch(() => '');
  const names = missing.map((share) => share.guest).join(', ');
  return new CloneboxError(
    'guest-failed',
    `not mounted in the guest: ${names}${log ? `\n${log}` : ''}`,
    {
      hint: 'Try the other driver (vm.share_driver: 9p or virtiofs); clonebox logs shows the guest.',
      facts: { phase: 'shares', missing: missing.map((share) => share.guest), log },
    },
  );
}
