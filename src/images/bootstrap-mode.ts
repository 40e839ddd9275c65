import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';

/** How a root file system with foreign owners is made here. */
export interface BootstrapMode {
  readonly name: 'root' | 'unshare' | 'fakechroot';
  /** argv before a command that must see those owners. */
  readonly wrap: readonly string[];
}

const namespaceArguments = ['--map-auto', '--map-root-user'];

/** argv before a command that acts as root over this user's subordinate ids. */
export async function namespaceWrap(host: Host): Promise<readonly string[] | undefined> {
  const unshare = await host.which('unshare');
  return unshare === undefined ? undefined : [unshare, ...namespaceArguments];
}

/**
 * As root directly; otherwise in a user namespace with the user's subordinate ids; where the system forbids that,
 * with fakechroot. Fails with `host-unable` and says what to allow or install.
 */
export async function chooseMode(host: Host, io: Io): Promise<BootstrapMode> {
  if (host.user.uid === 0) return { name: 'root', wrap: [] };
  const wrap = await namespaceWrap(host);
  let reason = 'unshare(1) is not installed';
  if (wrap !== undefined) {
    const probe = await host.run([...wrap, 'true'], io, { timeout: 10_000 });
    if (probe.exitCode === 0) return { name: 'unshare', wrap };
    reason = probe.stderr.trim();
  }
  const fakeroot = await host.which('fakeroot');
  if (fakeroot !== undefined && (await host.which('fakechroot')) !== undefined) {
    io.log.info('images.fakechroot', { reason });
    return { name: 'fakechroot', wrap: [fakeroot, '--'] };
  }
  throw new CloneboxError('host-unable', `no image can be built without root here: ${reason}`, {
    hint: await hintFor(host),
    facts: { reason },
  });
}

async function hintFor(host: Host): Promise<string> {
  const other = 'or install fakechroot and fakeroot: sudo apt install fakechroot fakeroot';
  const { name, uid } = host.user;
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const lines = ((await host.files.readText(file)) ?? '').split('\n');
    if (!lines.some((line) => line.startsWith(`${name}:`) || line.startsWith(`${uid}:`))) {
      return `${file} has no range for ${name}: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}; ${other}`;
    }
  }
  if ((await host.which('newuidmap')) === undefined) return `sudo apt install uidmap; ${other}`;
  const restricted = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
  if ((await host.files.readText(restricted))?.trim() === '1') {
    return `AppArmor restricts user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns): allow them for unshare(1) by a profile, ${other}`;
  }
  return `Allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone), ${other}`;
}
