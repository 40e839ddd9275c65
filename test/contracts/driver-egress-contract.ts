import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MachineSpec, NetworkSpec } from '../../src/core/driver.ts';
import {
  type Bed,
  freePort,
  listen,
  listeningAddresses,
  loopback,
  openBed,
} from '../fixtures/machine-bed.ts';
import { type TinyGuest, waitForSerial } from '../fixtures/tiny-guest.ts';
import type { ContractOptions } from './driver-contract.ts';

/** A guest on a machine under load may be slow. */
const patient = { timeout: 120_000, interval: 100 };

/** An address of this machine that is not its loopback: what a guest sends there has left its network. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

/** What every driver promises that has `closeNetwork`, tried on real machines. */
export function egressContract(driverName: string, options: ContractOptions): void {
  const { env = {}, guest, unable } = options;
  const ways = Object.entries(env).map(([key, value]) => ` with ${key}=${value}`);
  const because = unable ?? (typeof guest === 'string' ? guest : undefined);
  const missing = because ?? (outside === undefined ? 'no address but the loopback' : undefined);
  describe.skipIf(missing !== undefined)(
    `the network of the ${driverName} driver${ways.join('')}${missing ? ` (not here: ${missing})` : ''}`,
    () => {
      if (typeof guest !== 'string') network(driverName, { env, guest });
    },
  );
}

/** What the guest told of one round of tries. */
type Round = Record<'tcp' | 'loopback' | 'dns' | 'udp' | 'ping' | 'ip6', string>;

const nothing: Round = { tcp: 'no', loopback: 'no', dns: 'no', udp: 'no', ping: 'no', ip6: '0' };

/**
 * Each way out is tried on an open network first, so that a try that cannot succeed is not taken for a closed one; and
 * what arrives is counted on this side, where no guest can lie.
 */
function network(
  driverName: string,
  options: { env: Record<string, string>; guest: TinyGuest },
): void {
  let bed: Bed;
  let listeners: Listeners;
  beforeEach(async () => {
    bed = await openBed(driverName, { env: options.env });
    listeners = await openListeners(outside ?? '');
  });
  afterEach(async () => {
    await bed.close();
    await listeners.close();
  });

  async function boot(egress: NetworkSpec['egress']): Promise<{ spec: MachineSpec; port: number }> {
    const port = await freePort();
    const probe = { address: outside ?? '', ...listeners.ports };
    const spec = await bed.makeSpec({
      egress,
      boot: options.guest.boot({ network: true, probe }),
      forwards: [{ host: port, guest: 80 }],
    });
    const started = await bed.driver.start(spec, bed.io);
    expect(started.network.egress).toBe(egress === 'closed' ? 'closed' : 'open');
    return { spec, port };
  }

  /** The next rounds, from one that began after this was called. */
  async function rounds({ serialLog }: MachineSpec, count = 1): Promise<Round[]> {
    const told = async () => [
      ...(await waitForSerial(serialLog, 'TINY-READY')).matchAll(/TINY-OUT (.*)\n/g),
    ];
    const first = (await told()).length + 1;
    await expect
      .poll(async () => (await told()).length, patient)
      .toBeGreaterThanOrEqual(first + count);
    return (await told())
      .slice(first, first + count)
      .map(([, line = '']) => Object.fromEntries(line.split(' ').map((one) => one.split('='))));
  }

  const answer = async (port: number) =>
    (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(20_000) })).text();

  const close = (spec: MachineSpec) => {
    if (bed.driver.closeNetwork === undefined) throw new Error(`${driverName} cannot close`);
    return bed.driver.closeNetwork(spec, bed.io);
  };

  test('is closed while the machine runs: what was open dies, and ports go on answering', async () => {
    const { spec, port } = await boot('closable');
    // A guest under load may give up too early.
    await expect
      .poll(async () => (await rounds(spec))[0], patient)
      .toMatchObject({
        ...{ tcp: 'yes', dns: 'yes', udp: 'yes', ip6: '0' },
        loopback: bed.facts.network.hostIsolated ? 'no' : 'yes',
      });
    expect(await answer(port)).toBe('tiny\n');
    const { arrived } = listeners;
    await expect.poll(() => arrived.beats, patient).toBeGreaterThan(0);
    expect(await waitForSerial(spec.serialLog, 'TINY-OUT')).not.toContain('TINY-HELD');

    const closed = await close(spec);
    expect(closed.network).toMatchObject({ egress: 'closed', hostIsolated: true });
    expect(await bed.driver.running(bed.name)).toEqual(closed);
    expect(listeningAddresses(port)).toEqual([loopback]);
    expect(await answer(port)).toBe('tiny\n');
    await waitForSerial(spec.serialLog, 'TINY-HELD over');
    expect(arrived.open).toBe(0);

    const before = { ...arrived };
    expect(await rounds(spec, 2)).toEqual([nothing, nothing]);
    expect(arrived).toEqual(before);

    expect(await close(spec)).toEqual(closed);
    expect(await answer(port)).toBe('tiny\n');
    expect(await bed.driver.stop(bed.name, bed.io, { grace: 30_000 })).toBe('graceful');
    await bed.expectNothingLeft();
  });

  test('is closed from the first moment when it is asked for so, and ports answer', async () => {
    const { spec, port } = await boot('closed');
    expect(await rounds(spec, 2)).toEqual([nothing, nothing]);
    expect(await answer(port)).toBe('tiny\n');
    expect(listeners.arrived).toEqual({ connections: 0, open: 0, beats: 0, loopback: 0, udp: 0 });
    expect(listeningAddresses(port)).toEqual([loopback]);
    expect(await bed.driver.running(bed.name)).toMatchObject({
      network: { egress: 'closed', hostIsolated: true },
    });
  });

  test('stays cut off when a port was taken meanwhile, which is told, and can be closed later', async () => {
    const spec = await bed.makeSpec({ egress: 'closable' });
    await bed.driver.start(spec, bed.io);
    const taken = await listen('127.0.0.1');
    const forwards = [{ host: taken.port, guest: 80 }];
    const wanted = { ...spec, network: { ...spec.network, forwards } };
    const refusal = { code: 'conflict', facts: { ports: [taken.port] } };
    await expect(close(wanted)).rejects.toMatchObject(refusal);
    expect((await bed.driver.inspect(bed.name, bed.io)).kind).toBe('running');

    await taken.close();
    expect(await close(wanted)).toMatchObject({ network: { egress: 'closed' } });
    expect(listeningAddresses(taken.port)).toEqual([loopback]);
  });

  test('that was made to stay open is not said to be closed', async () => {
    const spec = await bed.makeSpec();
    const before = await bed.driver.start(spec, bed.io);
    await expect(close(spec)).rejects.toMatchObject({ code: 'hypervisor-failed' });
    expect(await bed.driver.running(bed.name)).toEqual(before);
  });

  test('of a machine that does not run cannot be closed', async () => {
    const spec = await bed.makeSpec({ egress: 'closable' });
    await expect(close(spec)).rejects.toMatchObject({ code: 'hypervisor-failed' });
  });
}

/** Who waits on this side for what a guest sends, and counts it. */
interface Listeners {
  readonly ports: { readonly tcp: number; readonly udp: number; readonly loopback: number };
  readonly arrived: {
    connections: number;
    /** Connections that live. */
    open: number;
    beats: number;
    loopback: number;
    udp: number;
  };
  close(): Promise<void>;
}

async function openListeners(address: string): Promise<Listeners> {
  const arrived = { connections: 0, open: 0, beats: 0, loopback: 0, udp: 0 };
  const tcp = await listen(address, (socket) => {
    arrived.connections++;
    arrived.open++;
    socket.on('error', () => {});
    socket.on('close', () => arrived.open--);
    socket.on('data', () => arrived.beats++);
    socket.write('host outside\n');
  });
  const onLoopback = await listen('127.0.0.1', (socket) => {
    arrived.loopback++;
    socket.on('error', () => {});
    socket.end('host loopback\n');
  });
  const udp = await openNameServer(address, () => arrived.udp++);
  return {
    ports: { tcp: tcp.port, udp: udp.address().port, loopback: onLoopback.port },
    arrived,
    close: async () => {
      udp.close();
      await tcp.close();
      await onLoopback.close();
    },
  };
}

/** Answers every question with "no such name". */
async function openNameServer(address: string, onQuestion: () => void): Promise<Socket> {
  const udp = createSocket('udp4');
  udp.on('message', (question, sender) => {
    onQuestion();
    question.writeUInt16BE(0x8183, 2);
    udp.send(question, sender.port, sender.address);
  });
  udp.bind(0, address);
  await once(udp, 'listening');
  return udp;
}
