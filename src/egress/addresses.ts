import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * What an address is to the guest's jailer: `host` is this machine itself or the wire it is on, `private` a network
 * that only those inside can reach, `public` all else.
 */
export type AddressKind = 'host' | 'private' | 'public';

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits = ''] = subnet.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** This host, loopback, link-local (with the metadata of clouds), multicast, reserved. */
const host = blockList([
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
  // 6to4 and Teredo carry an IPv4 address inside, and nothing that is still in use.
  ...['2002::/16', '2001::/32'],
]);

/** RFC 1918, 6598, 2544, 4193. */
const internal = blockList([
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15'],
  ...['192.0.0.0/24', 'fc00::/7'],
]);

/** What an address is. One that cannot be read is `host`, so that it is refused. */
export function kindOfAddress(written: string, own = ownAddresses()): AddressKind {
  const address = unwrapped(written);
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  if (family === undefined || address.includes('%')) return 'host';
  if (own.includes(address) || host.check(address, family)) return 'host';
  return internal.check(address, family) ? 'private' : 'public';
}

/** The IPv4 address inside one of IPv6: mapped (RFC 4291) or behind a translator (RFC 6052). */
function unwrapped(address: string): string {
  if (!isIPv6(address) || address.includes('%')) return address;
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const inside = /^(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(canonical);
  if (inside === null) return canonical;
  const [high, low] = [inside[1] ?? '0', inside[2] ?? '0'].map((part) => Number.parseInt(part, 16));
  return [(high ?? 0) >> 8, (high ?? 0) & 255, (low ?? 0) >> 8, (low ?? 0) & 255].join('.');
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address));
}
