import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordOf } from '../../test/fixtures/store-bed.ts';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Paths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { choosePorts } from './choose-ports.ts';
import { leasePorts, releasePorts, syncLeases } from './leases.ts';
import { withVmLock } from './locks.ts';
import { createPaths } from './paths.ts';
import { writeRecord } from './records.ts';

const web = parseVmName('web');
const db = parseVmName('db');
const io = quietIo();
let host: Host;
let paths: Paths;
beforeEach(() => {
  // What really listens on this machine must not matter, except where a test listens itself.
  host = { ...createHost({ CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) }), canBind: free };
  paths = createPaths(host);
  for (const name of [web, db]) mkdirSync(paths.vm(name).directory, { recursive: true });
});
afterEach(() => rmSync(paths.home, { recursive: true }));
const free = async () => true;

const ssh = { name: 'ssh', guest: 22, host: undefined };
const http = { name: 'web', guest: 80, host: 8080 };
const any = { name: '5432', guest: 5432, host: undefined };
const lease = (name: typeof web, ...wanted: (typeof http | typeof any)[]) =>
  leasePorts({ host, paths, name }, wanted, io);
const release = (name: typeof web, guestPorts?: number[]) =>
  releasePorts({ host, paths, name }, io, guestPorts);
const onDisk = () => JSON.parse(readFileSync(paths.leases, 'utf8')).leases;

test('a preferred port is given; when another VM has it, the next one up', async () => {
  expect(await lease(web, http)).toEqual([{ name: 'web', guest: 80, host: 8080 }]);
  expect(await lease(db, http)).toEqual([{ name: 'web', guest: 80, host: 8081 }]);
});

test('a port that something listens on is not given', async () => {
  const server = createServer();
  const taken = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  host = { ...host, canBind: createHost().canBind };
  const [given] = await lease(web, { ...http, host: taken });
  server.close();
  expect(given?.host).toBeGreaterThan(taken);
});

test('ssh gets a port of 22000 to 22999 that follows from the name', async () => {
  const [first] = await lease(web, ssh);
  const [other] = await lease(db, ssh);
  expect(first?.host).toBeGreaterThanOrEqual(22_000);
  expect(first?.host).toBeLessThan(23_000);
  expect(other?.host).not.toBe(first?.host);
  await release(web);
  expect(await lease(web, ssh)).toEqual([first]);
});

test('without a preference ports are given from 20000 upward', async () => {
  expect(
    (await lease(web, any, { ...any, name: 'x', guest: 1 })).map((entry) => entry.host),
  ).toEqual([20_000, 20_001]);
});

test('the order of the answer is that of the question, and an exact wish comes before a second choice', async () => {
  await lease(db, http);
  const wanted = [http, { name: 'b', guest: 81, host: 8081 }, any];
  expect((await lease(web, ...wanted)).map((entry) => entry.host)).toEqual([8082, 8081, 20_000]);
});

test('asking again gives the same ports, also when they are bound by now', async () => {
  const before = await lease(web, ssh, http, any);
  host = { ...host, canBind: async () => false };
  expect(await lease(web, ssh, http, any)).toEqual(before);
});

test('two leases of the same guest port are two host ports', async () => {
  const twice = [http, { ...http, host: 9090 }];
  expect((await lease(web, ...twice)).map((entry) => entry.host)).toEqual([8080, 9090]);
  expect((await lease(web, ...twice)).map((entry) => entry.host)).toEqual([8080, 9090]);
});

test('a port that is held is kept only when no other host port is asked for', async () => {
  await lease(web, http, any);
  const [moved, same] = await lease(web, { ...http, host: 9090 }, { ...any, host: 20_000 });
  expect([moved?.host, same?.host]).toEqual([9090, 20_000]);
  expect(await lease(web, { ...http, host: undefined })).toMatchObject([{ host: 8080 }]);
});

test('the leases become those of the record, except those another VM got meanwhile', async () => {
  const sync = (name: typeof web) => syncLeases({ host, paths, name }, io);
  const one = { name: 'web', guest: 80, host: 8080 };
  await lease(web, any, { ...http, host: 9090 });
  await lease(db, { ...http, host: 8443 });
  const taken = { name: 'tls', guest: 443, host: 8443 };
  await writeRecord(host, paths, recordOf(web, [one, taken]));
  for (const _ of [1, 2]) {
    await sync(web);
    expect(onDisk()).toEqual([
      { ...one, vm: 'web' },
      { name: 'web', guest: 80, host: 8443, vm: 'db' },
    ]);
  }
  rmSync(paths.vm(web).record);
  await sync(web);
  expect(onDisk()).toMatchObject([{ vm: 'db' }]);
});

test('the list is not written when the leases are those of the record', async () => {
  await writeRecord(host, paths, recordOf(web, await lease(web, http)));
  const writeAtomic = () => Promise.reject(new Error('it is written'));
  const quiet = { ...host, files: { ...host.files, writeAtomic } };
  await syncLeases({ host: quiet, paths, name: web }, io);
  expect(onDisk()).toMatchObject([{ host: 8080 }]);
});

test('a port given back is free, others stay', async () => {
  await lease(web, ssh, http);
  await release(web, [80]);
  expect(onDisk()).toMatchObject([{ vm: 'web', name: 'ssh' }]);
  expect(await lease(db, http)).toMatchObject([{ host: 8080 }]);
  await release(web);
  await release(web);
  expect(onDisk()).toMatchObject([{ vm: 'db' }]);
});

test('ports of a VM whose directory is gone are free', async () => {
  await lease(web, http);
  rmSync(paths.vm(web).directory, { recursive: true });
  expect(await lease(db, http)).toMatchObject([{ host: 8080 }]);
  expect(onDisk()).toMatchObject([{ vm: 'db' }]);
});

test('ports of a VM that has only its lock yet are kept', async () => {
  rmSync(paths.vm(web).directory, { recursive: true });
  await withVmLock({ host, paths, name: web }, io, async () => {
    await lease(web, http);
    expect(await lease(db, http)).toMatchObject([{ host: 8081 }]);
  });
});

test.each(['', '{', 'null', '{"version":9}', '{"version":1,"leases":[{"vm":"../x"}]}'])(
  'a damaged list (%s) is made anew from the records',
  async (damage) => {
    await writeRecord(host, paths, recordOf(db, [{ name: 'web', guest: 80, host: 8080 }]));
    writeFileSync(paths.leases, damage);
    expect(await lease(web, http)).toMatchObject([{ host: 8081 }]);
    expect(onDisk()).toMatchObject([
      { vm: 'db', host: 8080 },
      { vm: 'web', host: 8081 },
    ]);
  },
);

test('no port left is the fault of this host', async () => {
  host = { ...host, canBind: async () => false };
  await expect(lease(web, { ...http, host: 65_000 })).rejects.toMatchObject({
    code: 'host-unable',
  });
  await expect(lease(web, ssh)).rejects.toMatchObject({ code: 'host-unable' });
});

test('a port whose clients send passwords is had by its number alone', async () => {
  const choose = (wanted: number, used: number[] = []) =>
    choosePorts('web', [{ name: 'a', guest: 1, host: wanted }], async (one) => !used.includes(one));
  expect(await choose(5432)).toMatchObject([{ host: 5432 }]);
  expect(await choose(2374, [2374])).toMatchObject([{ host: 2377 }]);
  expect(await choose(5432, [5432, 5433])).toMatchObject([{ host: 5434 }]);
});

test('whatever is wanted and taken, the ports are distinct, free, and never below the wish', async () => {
  const few = fc.integer({ min: 20_000, max: 20_012 });
  const want = fc.record({
    name: fc.constantFrom('ssh', 'a', 'b'),
    guest: few,
    host: fc.option(few, { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(want, { maxLength: 8 }),
      fc.uniqueArray(few),
      async (wanted, used) => {
        const leases = await choosePorts('web', wanted, async (port) => !used.includes(port));
        const ports = leases.map((entry) => entry.host);
        expect(new Set([...ports, ...used]).size).toBe(ports.length + used.length);
        expect(leases.map(({ name, guest }) => ({ name, guest }))).toEqual(
          wanted.map(({ name, guest }) => ({ name, guest })),
        );
        for (const [index, { host = 20_000 }] of wanted.entries()) {
          expect(ports[index]).toBeGreaterThanOrEqual(host);
        }
      },
    ),
  );
});
