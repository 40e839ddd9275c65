import type { NetworkChoice, NetworkSpec } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import { escapeOption } from './options.ts';
import type { Machine } from './process.ts';

/**
 * The guest's addresses are the same behind every backend: QEMU's own user network has them, and passt is told
 * to use them. So an image needs no DHCP, and a machine may change its backend between two starts.
 */
export const guestNetwork = {
  address: '10.0.2.15',
  netmask: '255.255.255.0',
  gateway: '10.0.2.2',
  dns: '10.0.2.3',
};

/**
 * passt cuts the guest off the host's loopback (`--no-map-gw`) without root or namespaces of ours. QEMU's own user
 * network maps 10.0.2.2 to the host's loopback and has no switch for that, so it is the fallback and says so.
 */
export async function chooseNetwork(
  host: Host,
  egress: NetworkSpec['egress'],
): Promise<NetworkChoice> {
  if (egress === 'closed') return closedNetwork;
  if (egress === 'later') return noNetwork;
  const forced = host.env.CLONEBOX_NETWORK;
  if (forced !== 'user' && (await host.which('passt')) !== undefined) {
    return { backend: 'passt', hostIsolated: true, egress: 'open', reason: 'passt is installed' };
  }
  return {
    backend: 'user',
    hostIsolated: false,
    egress: 'open',
    reason: `${forced === 'user' ? 'CLONEBOX_NETWORK=user' : 'passt is not installed'}: the guest can reach services on the host's loopback at 10.0.2.2`,
  };
}

/**
 * QEMU's own network with `restrict=on`: it answers ARP, DHCP and a ping of its own addresses, and drops the rest. passt
 * has no such switch.
 */
export const closedNetwork: NetworkChoice = {
  backend: 'user',
  hostIsolated: true,
  egress: 'closed',
  reason: 'nothing leaves it (restrict=on)',
};

/** That of a machine nobody has claimed yet. */
const noNetwork: NetworkChoice = {
  backend: 'none',
  hostIsolated: true,
  egress: 'closed',
  reason: 'it is connected when somebody claims it',
};

/**
 * Starts passt for one machine; it goes to the background once it listens, and ends with QEMU (`--one-off`).
 * Fails with `conflict` when a port was taken since it was leased.
 */
export async function startPasst(
  { host, files }: Machine,
  spec: NetworkSpec,
  io: Io,
): Promise<void> {
  const argv = [
    await host.require('passt'),
    '--quiet',
    '--one-off',
    '--ipv4-only',
    '--no-map-gw',
    ...['--socket', files.passtSocket],
    ...['--pid', files.passtPid],
    ...['--log-file', files.passtLog],
    ...['--address', guestNetwork.address],
    ...['--netmask', guestNetwork.netmask],
    ...['--gateway', guestNetwork.gateway],
    ...['--dns-forward', guestNetwork.dns],
    ...(host.user.uid === 0 ? ['--runas', '0:0'] : []),
    ...spec.forwards.flatMap((forward) => [
      '--tcp-ports',
      `127.0.0.1/${forward.host}:${forward.guest}`,
    ]),
  ];
  const result = await host.run(argv, io, { timeout: 10_000, livesOn: true });
  if (result.exitCode === 0) return;
  const output = `${result.stderr}${result.stdout}`.trim();
  if (/bind/i.test(output)) {
    const taken = [];
    for (const forward of spec.forwards)
      if (!(await host.canBind(forward.host))) taken.push(forward.host);
    throw new CloneboxError(
      'conflict',
      `a port was taken meanwhile: ${taken.join(', ') || 'unknown'}`,
      {
        facts: { ports: taken },
      },
    );
  }
  throw new CloneboxError('hypervisor-failed', `passt could not start: ${output.slice(-500)}`, {
    hint: 'Set CLONEBOX_NETWORK=user to do without it (the guest can then reach the host loopback).',
    facts: { exitCode: result.exitCode },
  });
}

/** What the parts of a closable network are called in QEMU. The NIC is always on `net0`. */
export const uplinks = { open: 'open', closed: 'closed' } as const;

/** The port of the hub that the NIC of a closable network is on. */
export const nicPort = 'hubport,id=net0,hubid=0';

/**
 * QEMU's side of the chosen backend. A NIC keeps its netdev for life, so that of a closable network is a port of a hub,
 * and what the hub leads to can change.
 */
export function netdevArguments(
  choice: NetworkChoice,
  spec: NetworkSpec,
  passtSocket: string,
): string[] {
  // The second port leads nowhere and takes everything: a hub with no other one left would make the NIC wait, and nothing
  // would ever wake it again.
  const sink = ['-netdev', nicPort, '-netdev', 'hubport,id=sink,hubid=0'];
  if (spec.egress === 'later') return sink;
  const closable = spec.egress === 'closable';
  const closed = spec.egress === 'closed';
  const id = closable ? uplinks.open : 'net0';
  const forwards = hostForwards(spec).map((forward) => `,hostfwd=${forward}`);
  const backend =
    choice.backend === 'passt' && !closed
      ? `stream,id=${id},server=off,addr.type=unix,addr.path=${escapeOption(passtSocket)}`
      : `user,id=${id},ipv6=off${closed ? ',restrict=on' : ''}${forwards.join('')}`;
  if (!closable) return ['-netdev', backend];
  return [
    ...['-netdev', backend],
    ...['-netdev', `hubport,id=${hubPort(id)},hubid=0,netdev=${id}`],
    ...sink,
  ];
}

/** The port of the hub that leads to an uplink. */
export function hubPort(uplink: string): string {
  return `${uplink}-port`;
}

/** The forwards as QEMU's own network wants them. */
export function hostForwards({ forwards }: NetworkSpec): string[] {
  return forwards.map(
    ({ host, guest }) => `tcp:127.0.0.1:${host}-${guestNetwork.address}:${guest}`,
  );
}
