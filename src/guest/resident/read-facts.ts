import { createHash } from 'node:crypto';
import type { Guest } from '../../core/guest.ts';
import type { IdentityItemName } from '../../core/identity.ts';
import type { Io } from '../../core/io.ts';
import type { VmPlan } from '../../core/plan.ts';
import { authorizedKeys } from '../authorized-keys.ts';
import { type GuestMount, parseMounts } from '../shares.ts';

/** What a guest's own files say of it: texts for people, which are equal when what they stand for is. */
export interface IdentityFacts {
  readonly texts: Readonly<Record<Exclude<IdentityItemName, 'clock' | 'host-key'>, string>>;
  readonly mounts: readonly GuestMount[];
  /** Of the key as its file has it, which need not be the one that sshd serves. */
  readonly hostKeyFile: string;
}

const places = [
  '/etc/machine-id',
  '/var/lib/dbus/machine-id',
  '/proc/sys/kernel/random/boot_id',
  '/proc/sys/kernel/random/uuid',
  '/proc/sys/kernel/hostname',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/ssh/ssh_host_ed25519_key.pub',
  '/proc/self/mounts',
] as const;

export const nothing = 'none';

/** Reads them by the agent's file commands: three round trips and no process in the guest. */
export async function readIdentityFacts(
  guest: Guest,
  plan: VmPlan,
  io: Io,
): Promise<IdentityFacts> {
  const keyFiles = authorizedKeys(plan, []).map(({ path }) => path);
  const contents = await guest.readFiles([...places, ...keyFiles], io);
  const text = (index: number) => {
    const content = contents[index];
    return content === undefined ? undefined : Buffer.from(content).toString('utf8');
  };
  const [machineId, busId, bootId, uuid, kernelName, fileName, hosts, hostKey, mountTable] =
    places.map((_, index) => text(index)?.trim());
  const mounts = parseMounts(mountTable ?? '');
  return {
    texts: {
      random: uuid || nothing,
      'machine-id': both(machineId, busId ?? machineId, 'for D-Bus'),
      'boot-id': bootId || nothing,
      hostname: both(kernelName, fileName, 'in /etc/hostname'),
      hosts: /^127\.0\.1\.1[ \t].*$/m.exec(hosts ?? '')?.[0].replace(/\s+/g, ' ') ?? nothing,
      'login-key': describeKeys(keyFiles.map((_, index) => text(places.length + index))),
      shares: describeShares(mounts.filter(({ source }) => /^share\d+$/.test(source))),
    },
    mounts,
    hostKeyFile: fingerprint(hostKey ?? ''),
  };
}

function both(one: string | undefined, other: string | undefined, where: string): string {
  return one === other ? one || nothing : `${one || nothing}, ${where} ${other || nothing}`;
}

/** Keys as their files hold them, the user's and then root's: how many, and a digest of the whole. */
export function describeKeys(contents: readonly (string | undefined)[]): string {
  const files = contents.map((content) => {
    const count = (content ?? '').split('\n').filter((line) => /^[^#\s]/.test(line)).length;
    if (content === undefined || count === 0) return nothing;
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 32);
    return `${count} ${digest}`;
  });
  return files.every((file) => file === nothing) ? nothing : files.join(', root: ');
}

/** Mounted shares, the slots in their order. */
export function describeShares(
  shares: readonly { readonly source: string; readonly path: string; readonly readOnly: boolean }[],
): string {
  const lines = shares.map(
    ({ source, path, readOnly }) => `${source} ${path} ${readOnly ? 'ro' : 'rw'}`,
  );
  return lines.length === 0 ? nothing : lines.sort().join(', ');
}

/** An ed25519 key of OpenSSH's public format as people compare them, `SHA256:…`; `none` for what is none. */
export function fingerprint(publicKey: string): string {
  const blob = /(?:^|\s)ssh-ed25519 ([A-Za-z0-9+/]+=*)/.exec(publicKey)?.[1];
  if (blob === undefined) return nothing;
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}
