import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayBeClient, parseSockets } from './sockets.ts';

const line = (local: string, state: string, remote = `${'0'.repeat(local.length - 5)}:0000`) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000   113        0 40001 1 0000000000000000 100 0 0 10 0`;
const addressOf = (hex: string) =>
  parseSockets(line(`${hex}:0050`, '0A'), '/proc/net/tcp6')[0]?.address;

describe('a table of sockets', () => {
  it('has those that listen, with who made them', () => {
    expect(
      parseSockets(`  sl  local_address\n${line('0100007F:1538', '0A')}\n`, '/proc/net/tcp'),
    ).toEqual([
      {
        source: '/proc/net/tcp',
        protocol: 'tcp',
        address: '127.0.0.1',
        port: 5432,
        uid: 113,
        inode: '40001',
      },
    ]);
  });

  it('has no connections, neither of streams nor of datagrams', () => {
    expect(parseSockets(line('0100007F:1538', '01', '0100007F:D2F0'), '/proc/net/tcp')).toEqual([]);
    expect(parseSockets(line('0100007F:1538', '01', '0100007F:0035'), '/proc/net/udp')).toEqual([]);
    expect(parseSockets(line('0100007F:14E9', '07'), '/proc/net/udp')).toHaveLength(1);
  });

  it('is read whatever is in it', () => {
    const words = fc.array(
      fc.constantFrom('0:', '0A', '07', '00000000:0000', '0100007F:1538', 'x', '\0'),
    );
    const text = fc.oneof(
      fc.string(),
      words.map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(text, (some) => {
        for (const { port, address } of parseSockets(some, '/proc/net/tcp')) {
          expect(port).toBeLessThan(65_536);
          expect(address).toMatch(/^[\d.]+$/);
        }
      }),
    );
  });
});

it.each([
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000001000000', '::1'],
  ['0000000000000000FFFF00000100007F', '::ffff:127.0.0.1'],
  ['B80D0120000000000000000001000000', '2001:db8::1'],
  ['000080FE00000000FF02A9C1FE4B3A10', 'fe80::c1a9:2ff:103a:4bfe'],
  ['B80D0120010002000300040005000600', '2001:db8:2:1:4:3:6:5'],
  ['B80D0120000000000100000000000000', '2001:db8::1:0:0'],
])('the kernel writes %s for %s', (hex, address) => {
  expect(addressOf(hex)).toBe(address);
});

it('a datagram socket at a port of nobody may be of a client, one that accepts connections is of none', () => {
  const [socket] = parseSockets(line('00000000:C000', '07'), '/proc/net/udp');
  const [server] = parseSockets(line('00000000:C000', '0A'), '/proc/net/tcp');
  expect(socket && mayBeClient(socket)).toBe(true);
  expect(server && mayBeClient(server)).toBe(false);
});
