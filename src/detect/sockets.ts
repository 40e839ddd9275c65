import type { DetectInput } from '../core/detect.ts';
import { below } from './paths.ts';

/** A socket that waits for others, as the kernel lists it. */
export interface ListeningSocket {
  /** The file it is listed in. */
  readonly source: string;
  readonly protocol: 'tcp' | 'udp';
  /** `127.0.0.1`, `::1`. */
  readonly address: string;
  readonly port: number;
  /** Who made it. */
  readonly uid: number;
  readonly inode: string;
}

export interface SocketTables {
  readonly sockets: readonly ListeningSocket[];
  /** The tables that could not be read. */
  readonly unread: readonly string[];
}

/** TCP_LISTEN; and TCP_CLOSE, which is a datagram socket that is joined to nobody. */
const waiting = { tcp: '0A', udp: '07' };
const most = 5000;

/** Where the kernel takes the ports of those that ask for none. */
const firstOfNobody = 32_768;

/** True of a datagram socket that is more likely of a client: it waits for answers. */
export function mayBeClient({ protocol, port }: ListeningSocket): boolean {
  return protocol === 'udp' && port >= firstOfNobody;
}

/** The listening sockets of this network. A table that the kernel has not (no IPv6) has nothing in it. */
export async function readSockets({ host, scope }: DetectInput): Promise<SocketTables> {
  const unread: string[] = [];
  const tables = await Promise.all(
    (['tcp', 'tcp6', 'udp', 'udp6'] as const).map(async (table) => {
      const source = `/proc/net/${table}`;
      const text = await host.files.readText(below(scope.root, source)).catch(() => {
        unread.push(source);
        return undefined;
      });
      return parseSockets(text ?? '', source);
    }),
  );
  return { sockets: tables.flat(), unread };
}

/** Reads a table of `/proc/net`: lines that are none of a socket are passed over. */
export function parseSockets(text: string, source: string): ListeningSocket[] {
  const protocol = source.includes('tcp') ? 'tcp' : 'udp';
  const sockets: ListeningSocket[] = [];
  for (const line of text.split('\n')) {
    // sl local_address rem_address st tx:rx tr:tm->when retrnsmt uid timeout inode
    const [, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/);
    if (state !== waiting[protocol] || !/^0+:0000$/.test(remote ?? '')) continue;
    const [, hex, port] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '') ?? [];
    if (hex === undefined || port === undefined || !/^\d+$/.test(inode ?? '')) continue;
    sockets.push({
      source,
      protocol,
      address: addressOf(hex),
      port: Number.parseInt(port, 16),
      uid: Number(uid),
      inode: inode ?? '',
    });
    if (sockets.length >= most) break;
  }
  return sockets;
}

/** The kernel prints an address as 32-bit words in the order of its own bytes: little-endian wherever Node runs. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)).toReversed(),
  );
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const written = groups.join(':');
  const mapped = /^(?:0:){5}ffff:/.test(written);
  if (mapped) return `::ffff:${bytes.slice(12).join('.')}`;
  const zeros = [...written.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = zeros.reduce((one, other) => (other.length > one.length ? other : one), '');
  return longest === '' ? written : shorten(written, longest);
}

function shorten(written: string, zeros: string): string {
  const at = written.indexOf(zeros);
  const rest = written.slice(at + zeros.length);
  return `${written.slice(0, at)}::${rest.replace(/^:/, '')}`;
}
