import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DiskSpec, MachineSpec, Started } from '../../src/core/driver.ts';
import { parseVmName } from '../../src/core/name.ts';
import {
  type Bed,
  freePort,
  listen,
  listeningAddresses,
  loopback,
  MiB,
  openBed,
} from '../fixtures/machine-bed.ts';
import type { TinyGuest } from '../fixtures/tiny-guest.ts';
import { guestContract } from './driver-guest-contract.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

export interface ContractOptions {
  /** Chooses among the driver's own ways (network backends, for one). */
  env?: Record<string, string>;
  /** The guest to boot, or why there is none. */
  guest: TinyGuest | string;
  /** Why this driver can run nothing on this host, if so. */
  unable?: string | undefined;
}

/** What every driver of src/drivers/registry.ts promises, tried on real machines. */
export function driverContract(driverName: string, options: ContractOptions): void {
  const { env = {}, guest, unable } = options;
  const ways = Object.entries(env).map(([key, value]) => ` with ${key}=${value}`);
  const because = unable === undefined ? '' : ` (not here: ${unable})`;
  describe.skipIf(unable !== undefined)(
    `the ${driverName} driver${ways.join('')}${because}`,
    () => {
      describe('disks', () => disks(driverName, env));
      describe('life', () => life(driverName, env));
      describe('a start that fails', () => failures(driverName, env));
      if (typeof guest === 'string') describe.skip(`a booted guest (not here: ${guest})`);
      else describe('a booted guest', () => guestContract(driverName, { env, guest }));
    },
  );
}

/** What a process has open, by path. */
function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      return [readlinkSync(join(directory, fd))];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

type Env = Record<string, string>;

/** A bed for each test; nothing of its machines may be left after it. */
function useBed(driverName: string, env: Env): () => Bed {
  let bed: Bed;
  beforeEach(async () => {
    bed = await openBed(driverName, { env });
  });
  afterEach(() => bed.close());
  return () => bed;
}

function disks(driverName: string, env: Env): void {
  const bed = useBed(driverName, env);
  const at = (name: string) => join(bed().home, name);
  const create = (disk: DiskSpec) => bed().driver.create(disk, bed().io);
  const measure = (path: string) => bed().driver.measure(path, bed().io);

  test('a new disk has the size asked for, and takes next to nothing', async () => {
    await create({ path: at('disk'), base: undefined, size: 64 * MiB });

    const { allocated, virtual } = await measure(at('disk'));
    expect(virtual).toBe(64 * MiB);
    expect(allocated).toBeLessThan(MiB);
  });

  test('a disk over a base image leaves the base as it is', async () => {
    await create({ path: at('base'), base: undefined, size: 16 * MiB });
    const before = readFileSync(at('base'));
    await create({ path: at('disk'), base: at('base'), size: 64 * MiB });

    expect((await measure(at('disk'))).virtual).toBe(64 * MiB);
    expect(readFileSync(at('base')).equals(before)).toBe(true);
  });

  test('an existing file is a conflict and stays as it is', async () => {
    writeFileSync(at('disk'), 'precious');

    const made = create({ path: at('disk'), base: undefined, size: 64 * MiB });
    await expect(made).rejects.toMatchObject({ code: 'conflict', facts: { path: at('disk') } });
    expect(readFileSync(at('disk'), 'utf8')).toBe('precious');
  });

  test('a disk that cannot be made leaves nothing', async () => {
    const disk = { path: at('disk'), base: at('no-such-base'), size: 64 * MiB };
    await expect(create(disk)).rejects.toMatchObject({ code: 'hypervisor-failed' });
    expect(readdirSync(bed().home)).toEqual([]);

    const nowhere = { path: at('no-such-directory/disk'), base: undefined, size: 64 * MiB };
    await expect(create(nowhere)).rejects.toMatchObject({ code: 'hypervisor-failed' });
    expect(readdirSync(bed().home)).toEqual([]);
  });

  test('an interrupted creation leaves nothing', async () => {
    const disk = { path: at('disk'), base: undefined, size: 64 * MiB };
    let interrupted = 0;
    for (const milliseconds of [0, 2, 5, 10, 15, 20, 30]) {
      const interrupt = new AbortController();
      const made = bed().driver.create(disk, { ...bed().io, signal: interrupt.signal });
      setTimeout(() => interrupt.abort(new Error('Ctrl-C')), milliseconds);
      const failed = await made.then(
        () => false,
        () => true,
      );
      if (failed) interrupted++;
      expect(readdirSync(bed().home)).toEqual(failed ? [] : ['disk']);
      rmSync(at('disk'), { force: true });
    }
    expect(interrupted).toBeGreaterThan(0);
  });

  test('a disk grows, and never shrinks', async () => {
    await create({ path: at('disk'), base: undefined, size: 32 * MiB });
    const grow = async (size: number) => {
      await bed().driver.grow(at('disk'), size, bed().io);
      return (await measure(at('disk'))).virtual;
    };

    expect(await grow(48 * MiB)).toBe(48 * MiB);
    expect(await grow(48 * MiB)).toBe(48 * MiB);
    expect(await grow(16 * MiB)).toBe(48 * MiB);
  });

  test('a disk that is not there cannot be measured or grown', async () => {
    await expect(measure(at('disk'))).rejects.toMatchObject({ code: 'hypervisor-failed' });
    const grown = bed().driver.grow(at('disk'), MiB, bed().io);
    await expect(grown).rejects.toMatchObject({ code: 'hypervisor-failed' });
    expect(readdirSync(bed().home)).toEqual([]);
  });
}

function life(driverName: string, env: Env): void {
  const bed = useBed(driverName, env);
  const start = (spec: MachineSpec): Promise<Started> => bed().driver.start(spec, bed().io);
  const stop = (grace = 0) => bed().driver.stop(bed().name, bed().io, { grace });
  const inspect = async () => (await bed().driver.inspect(bed().name, bed().io)).kind;

  test('a machine goes from absent to stopped to running to stopped', async () => {
    expect(await inspect()).toBe('absent');
    const spec = await bed().makeSpec();
    expect(await inspect()).toBe('stopped');

    const { process } = await start(spec);
    const state = await bed().driver.inspect(bed().name, bed().io);
    expect(state).toMatchObject({ kind: 'running', process });
    expect(state.kind === 'running' && state.uptimeSeconds).toBeLessThan(60);
    expect(await bed().host.isAlive(process)).toBe(true);

    expect(await stop()).toBe('forced');
    expect(await bed().host.isAlive(process)).toBe(false);
    expect(await inspect()).toBe('stopped');
    await bed().expectNothingLeft();
  });

  test('a machine without its disk is broken', async () => {
    const spec = await bed().makeSpec();
    rmSync(spec.disk);
    expect(await inspect()).toBe('broken');
  });

  test('a second start finds the first one and what it runs with', async () => {
    const spec = await bed().makeSpec();
    expect(await bed().driver.running(bed().name)).toBeUndefined();
    const first = await start(spec);

    expect(await start(spec)).toEqual(first);
    expect(await bed().driver.running(bed().name)).toEqual(first);
    expect(first.network).toEqual(bed().facts.network);
    expect(first.accel).toEqual(bed().facts.accel);
  });

  test('a running machine uses memory of its own, a stopped one none', async () => {
    await start(await bed().makeSpec());
    const { memory } = await bed().driver.usage(bed().name);
    expect(memory?.private).toBeGreaterThan(MiB);
    expect(memory?.private).toBeLessThan(1024 * MiB);

    await stop();
    expect(await bed().driver.usage(bed().name)).toEqual({ memory: undefined });
  });

  test('a running machine can be measured', async () => {
    const spec = await bed().makeSpec();
    await start(spec);
    expect((await bed().driver.measure(spec.disk, bed().io)).virtual).toBe(16 * MiB);
  });

  test('gives up its seed medium while it runs, and nothing has the file open', async () => {
    const eject = () => bed().driver.ejectSeed(bed().name, bed().io);
    const seed = join(bed().home, 'seed.iso');
    writeFileSync(seed, 'x'.repeat(100 * 1024));
    await eject();
    const { process } = await start(await bed().makeSpec({ seed }));
    expect(openFiles(process.pid)).toContain(seed);

    await eject();
    expect(openFiles(process.pid)).not.toContain(seed);
    expect(openFiles(process.pid)).toContain(bed().paths.vm(bed().name).disk);
    await eject();
    expect(await inspect()).toBe('running');
    rmSync(seed);
    await stop();
    await eject();
    await start(await bed().makeSpec());
    await eject();
  });

  test('stop of a stopped machine does nothing', async () => {
    expect(await stop()).toBe('was-stopped');
    await bed().makeSpec();
    expect(await stop()).toBe('was-stopped');
    expect(await stop(60_000)).toBe('was-stopped');
  });

  test('stop without grace is forced, and fast', async () => {
    await start(await bed().makeSpec());
    const began = performance.now();
    expect(await stop()).toBe('forced');
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test('stop waits no longer than its grace for a guest that does not listen', async () => {
    await start(await bed().makeSpec());
    const began = performance.now();
    expect(await stop(300)).toBe('forced');
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(performance.now() - began).toBeLessThan(4000);
  });

  test('a machine that was killed from outside is stopped, and starts again', async () => {
    const spec = await bed().makeSpec();
    const { process } = await start(spec);
    await bed().host.kill(process, 'SIGKILL');
    await expect.poll(() => bed().host.isAlive(process), patient).toBe(false);

    expect(await inspect()).toBe('stopped');
    expect(await bed().driver.running(bed().name)).toBeUndefined();
    expect((await start(spec)).process).not.toEqual(process);
    expect(await inspect()).toBe('running');
  });

  test('remove ends what runs, and may be called again', async () => {
    await bed().driver.remove(bed().name, bed().io);
    const spec = await bed().makeSpec();
    const { process } = await start(spec);

    await bed().driver.remove(bed().name, bed().io);
    expect(await bed().host.isAlive(process)).toBe(false);
    await bed().expectNothingLeft();
    await bed().driver.remove(bed().name, bed().io);
    expect(existsSync(spec.disk)).toBe(true);
  });

  test('the end of one machine does not touch another', async () => {
    const other = parseVmName('tiny-2');
    await start(await bed().makeSpec());
    const { process } = await start(await bed().makeSpec({ name: other }));

    await stop();
    await bed().driver.remove(bed().name, bed().io);
    expect(await bed().host.isAlive(process)).toBe(true);
    expect((await bed().driver.inspect(other, bed().io)).kind).toBe('running');
  });

  test('an interrupted start leaves nothing', async () => {
    const spec = await bed().makeSpec({ forwards: [{ host: await freePort(), guest: 80 }] });
    let interrupted = 0;
    for (const milliseconds of [0, 5, 15, 30, 60, 100, 150, 250]) {
      const interrupt = new AbortController();
      const reason = new Error('Ctrl-C');
      const started = bed().driver.start(spec, { ...bed().io, signal: interrupt.signal });
      setTimeout(() => interrupt.abort(reason), milliseconds);
      try {
        await started;
        await stop();
      } catch (error) {
        expect(error).toBe(reason);
        interrupted++;
      }
      await bed().expectNothingLeft();
    }
    expect(interrupted).toBeGreaterThan(2);
  });

  test('ports are open on the loopback address and nowhere else', async () => {
    const ports = [await freePort(), await freePort()];
    const forwards = ports.map((host, index) => ({ host, guest: 80 + index }));
    await start(await bed().makeSpec({ forwards }));
    for (const port of ports) expect(listeningAddresses(port)).toEqual([loopback]);

    await stop();
    for (const port of ports) expect(listeningAddresses(port)).toEqual([]);
  });
}

function failures(driverName: string, env: Env): void {
  const bed = useBed(driverName, env);
  const start = (spec: MachineSpec) => bed().driver.start(spec, bed().io);

  afterEach(async () => {
    await bed().expectNothingLeft();
    expect((await bed().driver.inspect(bed().name, bed().io)).kind).not.toBe('running');
  });

  test('for a kernel that is not there names it', async () => {
    const kernel = '/no/such/kernel';
    const boot = { kind: 'direct', kernel, initrd: kernel, commandLine: '' } as const;
    const started = start(await bed().makeSpec({ boot }));
    await expect(started).rejects.toMatchObject({ code: 'hypervisor-failed' });
    await expect(started).rejects.toThrow(kernel);
  });

  test('for a disk that is not there names it', async () => {
    const spec = await bed().makeSpec();
    rmSync(spec.disk);
    const started = start(spec);
    await expect(started).rejects.toMatchObject({ code: 'hypervisor-failed' });
    await expect(started).rejects.toThrow(spec.disk);
  });

  test('for a share that is not there names it', async () => {
    const share = {
      host: join(bed().home, 'no such share'),
      readOnly: false,
      driver: '9p',
    } as const;
    const started = start(await bed().makeSpec({ shares: [share] }));
    await expect(started).rejects.toMatchObject({ code: 'not-found' });
    await expect(started).rejects.toThrow(/no such share is gone/);
  });

  test('for a share that has become a link names both, and gives the guest neither', async () => {
    const host = join(bed().home, 'link');
    symlinkSync('/etc', host);
    const shares = [{ host, readOnly: false, driver: '9p' }] as const;
    const started = start(await bed().makeSpec({ shares }));
    await expect(started).rejects.toMatchObject({ code: 'refused' });
    await expect(started).rejects.toThrow(`${host} is now a link to /etc`);
  });

  test.each(['127.0.0.1', '0.0.0.0'])('for a port taken on %s says which', async (address) => {
    const taken = await listen(address);
    try {
      const forwards = [
        { host: await freePort(), guest: 80 },
        { host: taken.port, guest: 81 },
      ];
      const started = start(await bed().makeSpec({ forwards }));
      const wanted = { code: 'conflict', facts: { ports: [taken.port] } };
      await expect(started).rejects.toMatchObject(wanted);
    } finally {
      await taken.close();
    }
  });

  test('for the layout of a newer CloneBox says so', async () => {
    const spec = await bed().makeSpec();
    const started = start({ ...spec, layout: bed().facts.layout + 1 });
    await expect(started).rejects.toMatchObject({ code: 'conflict' });
  });

  test('can be repeated once its cause is gone', async () => {
    const taken = await listen('127.0.0.1');
    const forwards = [{ host: taken.port, guest: 80 }];
    const spec = await bed().makeSpec({ forwards });
    await expect(start(spec)).rejects.toMatchObject({ code: 'conflict' });

    await taken.close();
    await start(spec);
    expect(listeningAddresses(taken.port)).toEqual([loopback]);
    await bed().driver.stop(bed().name, bed().io, { grace: 0 });
  });
}
