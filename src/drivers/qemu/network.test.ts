import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Host } from '../../core/host.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { chooseNetwork, netdevArguments, startPasst } from './network.ts';
import { runtimeFiles } from './runtime-files.ts';

const empty = mkdtempSync(join(tmpdir(), 'cb-'));
afterAll(() => rmSync(empty, { recursive: true }));
const passt = fileURLToPath(new URL('../../../test/fixtures/bin/broken-passt', import.meta.url));
const network = {
  mac: '52:54:00:00:00:01',
  forwards: [{ host: 8080, guest: 80 }],
  egress: 'open',
} as const;

test('passt is taken where it is, and isolates the host', async () => {
  const choice = await chooseNetwork(createHost({ PATH: passt }), 'open');
  expect(choice).toMatchObject({ backend: 'passt', hostIsolated: true });
});

test('without passt the guest can reach the host, which is said', async () => {
  const choice = await chooseNetwork(createHost({ PATH: empty }), 'open');
  expect(choice).toMatchObject({ backend: 'user', hostIsolated: false });
  expect(choice.reason).toMatch(/passt is not installed.*loopback/);
});

test('CLONEBOX_NETWORK=user does without passt, and says the same', async () => {
  const choice = await chooseNetwork(createHost({ PATH: passt, CLONEBOX_NETWORK: 'user' }), 'open');
  expect(choice).toMatchObject({ backend: 'user', hostIsolated: false });
  expect(choice.reason).toMatch(/CLONEBOX_NETWORK=user.*loopback/);
});

test('a passt that cannot start is quoted, with a way around it', async () => {
  const machine = { host: createHost({ PATH: passt }), files: runtimeFiles(empty) };
  const started = startPasst(machine, network, quietIo());
  await expect(started).rejects.toMatchObject({
    code: 'hypervisor-failed',
    message: expect.stringContaining("Couldn't create user namespace"),
    hint: expect.stringContaining('CLONEBOX_NETWORK=user'),
  });
});

test('passt maps no address to this host, and forwards TCP from the loopback address alone', async () => {
  let seen: readonly string[] = [];
  const run: Host['run'] = async (argv) => {
    seen = argv;
    return { exitCode: 0, signal: undefined, stdout: '', stderr: '' };
  };
  const host = { ...createHost({ PATH: passt }), run };
  await startPasst({ host, files: runtimeFiles(empty) }, network, quietIo());
  expect(seen).toContain('--no-map-gw');
  expect(seen.filter((_, index) => seen[index - 1] === '--tcp-ports')).toEqual([
    '127.0.0.1/8080:80',
  ]);
  expect(seen.join(' ')).not.toMatch(/ (-u|--udp-ports|--map-host-loopback)\b/);
});

test("QEMU's own network forwards from the loopback address alone", () => {
  const choice = { backend: 'user', hostIsolated: false, egress: 'open', reason: '' } as const;
  const [, value] = netdevArguments(choice, network, '/unused');
  expect(value).toBe('user,id=net0,ipv6=off,hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80');
});

test('a closed network needs no passt, and reaches nothing of the host', async () => {
  const choice = await chooseNetwork(createHost({ PATH: passt }), 'closed');
  expect(choice).toMatchObject({ backend: 'user', hostIsolated: true, egress: 'closed' });
  expect(netdevArguments(choice, { ...network, egress: 'closed' }, '/unused')).toEqual([
    '-netdev',
    'user,id=net0,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80',
  ]);
});

test('a network that comes later has a hub that leads nowhere, and starts nothing', async () => {
  const choice = await chooseNetwork(createHost({ PATH: passt }), 'later');
  expect(choice).toMatchObject({ backend: 'none', hostIsolated: true, egress: 'closed' });
  const argv = netdevArguments(choice, { ...network, egress: 'later' }, '/unused');
  expect(argv.filter((word) => word !== '-netdev')).toEqual([
    'hubport,id=net0,hubid=0',
    'hubport,id=sink,hubid=0',
  ]);
});

test.each([
  ['passt', 'stream,id=open,server=off,addr.type=unix,addr.path=/a,,b/passt.sock'],
  ['user', 'user,id=open,ipv6=off,hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80'],
])('a network that will be closed has a hub between the NIC and %s', (backend, uplink) => {
  const choice = { backend, hostIsolated: true, egress: 'open', reason: '' } as const;
  const spec = { ...network, egress: 'closable' } as const;
  const argv = netdevArguments(choice, spec, '/a,b/passt.sock');
  expect(argv.filter((word) => word !== '-netdev')).toEqual([
    uplink,
    'hubport,id=open-port,hubid=0,netdev=open',
    'hubport,id=net0,hubid=0',
    'hubport,id=sink,hubid=0',
  ]);
});
