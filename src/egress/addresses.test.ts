import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { kindOfAddress } from './addresses.ts';

test.each([
  ...['127.0.0.1', '127.255.0.9', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::127.0.0.1', 'fe80::1', 'fe80::1%eth0', 'ff02::1'],
  ...['::ffff:127.0.0.1', '::FFFF:7f00:1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe'],
  ...['2002:7f00:1::', '2001:0:1::1', '192.0.2.55', 'nonsense', ''],
])('%s is this host, or its own wire', (address) => {
  expect(kindOfAddress(address, ['192.0.2.55'])).toBe('host');
});

test.each([
  ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '198.18.0.1'],
  ...['fd00::1', '::ffff:10.0.0.1', '64:ff9b::c0a8:101'],
])('%s is on a private network', (address) => {
  expect(kindOfAddress(address, [])).toBe('private');
});

test.each([
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1',
  '::ffff:1.1.1.1',
  '64:ff9b::101:101',
])('%s is public', (address) => expect(kindOfAddress(address, [])).toBe('public'));

test('every address of this very machine is this host', () => {
  for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
    expect(kindOfAddress(address)).toBe('host');
});
