import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { VmRecord } from '../../core/record.ts';
import { printable } from '../../lib/printable.ts';
import { nothing } from './read-facts.ts';

/** Nothing of the user's own, nobody to log in as, and the exchange that costs an emulated guest least. */
const settings = [
  'BatchMode=yes',
  'ConnectTimeout=60',
  'GlobalKnownHostsFile=/dev/null',
  'HostKeyAlgorithms=ssh-ed25519',
  'IdentityAgent=none',
  'KexAlgorithms=curve25519-sha256',
  'PreferredAuthentications=none',
  'StrictHostKeyChecking=no',
  'UserKnownHostsFile=/dev/null',
];

/** How often sshd is asked, with half a second in between. */
const tries = 40;

/**
 * The fingerprint (`SHA256:…`) of the ed25519 key that sshd serves at the VM's port on this host, and has proven to own;
 * else `none`, and why. It is asked by ssh itself and not by ssh-keyscan, which waits for the first word, and takes a
 * key for its owner's word. Nobody is logged in.
 */
export async function readServedKey(host: Host, record: VmRecord, io: Io): Promise<string> {
  const port = record.leases.find(({ name }) => name === 'ssh')?.host;
  if (port === undefined) return `${nothing}: it has no ssh port`;
  const argv = [
    ...[await host.require('ssh'), '-v', '-F', 'none', '-T'],
    ...settings.flatMap((setting) => ['-o', setting]),
    ...['-l', record.plan.user.name, '-p', String(port), '127.0.0.1', 'true'],
  ];
  for (let left = tries; ; left--) {
    const served = await listen(host, argv, io);
    if (served.key !== undefined) return served.key;
    // sshd of a guest that boots may not listen yet.
    if (left === 0) return `${nothing}: ${served.last}`;
    await host.sleep(500, io.signal);
  }
}

/** Runs ssh until it has seen the key and its proof: what it does after that is of no use here. */
async function listen(
  host: Host,
  argv: readonly string[],
  io: Io,
): Promise<{ key: string | undefined; last: string }> {
  const enough = new AbortController();
  let key: string | undefined;
  let last = '';
  const onLine = (line: string) => {
    last = printable(line.trim(), 200) || last;
    key ??= /^debug1: Server host key: ssh-ed25519 (SHA256:[A-Za-z0-9+/]+)$/.exec(line)?.[1];
    // ssh takes the new keys into use only when the signature was right.
    if (key !== undefined && line.startsWith('debug1: SSH2_MSG_NEWKEYS received'))
      enough.abort(proven);
  };
  try {
    const own = { ...io, signal: AbortSignal.any([io.signal, enough.signal]) };
    await host.run(argv, own, { timeout: 120_000, maxBuffer: 256 * 1024, onLine });
    return { key: undefined, last };
  } catch (error) {
    if (error !== proven) throw error;
    return { key, last };
  }
}

const proven = new Error('the key is proven');
