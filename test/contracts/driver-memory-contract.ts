import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KeptMemory, MachineSpec, MemoryMode } from '../../src/core/driver.ts';
import { parseVmName } from '../../src/core/name.ts';
import { type Bed, listen, MiB, openBed } from '../fixtures/machine-bed.ts';
import { type TinyGuest, waitForSerial } from '../fixtures/tiny-guest.ts';
import type { ContractOptions } from './driver-contract.ts';

/** What every driver promises that has `memory`, tried on real machines. */
export function memoryContract(driverName: string, options: ContractOptions): void {
  const { guest, unable } = options;
  const because = unable ?? (typeof guest === 'string' ? guest : undefined);
  describe.skipIf(because !== undefined)(
    `the memory of the ${driverName} driver's machines${because ? ` (not here: ${because})` : ''}`,
    () => {
      if (typeof guest !== 'string') memory(driverName, { env: options.env ?? {}, guest });
    },
  );
}

/** What the memory that a machine has for itself takes of the host, mapped or not. */
function bytesOfMemory(pid: number): number {
  const open = `/proc/${pid}/fd`;
  const memory = readdirSync(open).find((fd) => readlinkSync(join(open, fd)).includes('memfd:'));
  return statSync(join(open, memory ?? 'none')).blocks * 512;
}

/** Directories shared with the machine that is kept: one more than the slots that every machine has. */
const shareCount = 5;

/**
 * One guest is booted and kept, once, while it goes on and on; each test goes on from that memory, and reads from what
 * the guest says that it is the one that was kept: its token is drawn at a boot.
 */
function memory(
  driverName: string,
  { env, guest }: { env: Record<string, string>; guest: TinyGuest },
): void {
  const first = parseVmName('first');
  const names = [first, parseVmName('second')];
  let bed: Bed;
  let kept: KeptMemory;
  let digest: string;
  let last: Round;
  let shares: { host: string; readOnly: boolean; driver: '9p' }[];
  const boot = guest.boot({ rounds: true });
  const digestOf = (path: string) => bed.host.files.sha256(path, bed.io);
  const keep = (into: KeptMemory) => bed.driver.memory?.keep(bed.name, into, bed.io);
  const stop = (name = bed.name) => bed.driver.stop(name, bed.io, { grace: 0 });

  /** A machine that goes on, in a state directory of its own; its serial log begins empty. */
  async function goOn(mode: MemoryMode, more: Partial<MachineSpec> & { from?: KeptMemory } = {}) {
    const { from = kept, ...changes } = more;
    const resume = { ...from, mode };
    const spec = { ...(await bed.makeSpec({ name: first, boot, shares, resume })), ...changes };
    rmSync(spec.serialLog, { force: true });
    return { spec, started: await bed.driver.start(spec, bed.io) };
  }

  /** Copies of the kept files, for a test to damage. */
  function copies(): KeptMemory {
    const own = { ram: join(bed.home, 'own-ram'), state: join(bed.home, 'own-state') };
    copyFileSync(kept.ram, own.ram);
    copyFileSync(kept.state, own.state);
    return own;
  }

  beforeAll(async () => {
    bed = await openBed(driverName, { env });
    shares = Array.from({ length: shareCount }, (_, index) => {
      const host = join(bed.home, `shared-${index}`);
      mkdirSync(host);
      return { host, readOnly: false, driver: '9p' };
    });
    kept = { ram: join(bed.home, 'ram'), state: join(bed.home, 'state') };
    const spec = await bed.makeSpec({ boot, shares, keepable: true });
    await bed.driver.start(spec, bed.io);
    await waitForSerial(spec.serialLog, 'TINY-ROUND');

    await keep(kept);
    expect((await bed.driver.inspect(bed.name, bed.io)).kind).toBe('paused');
    last = lastRound(readFileSync(spec.serialLog, 'utf8'));
    expect(await stop()).toBe('forced');
    await bed.expectNothingLeft();
    digest = await digestOf(kept.ram);
  });
  afterEach(async () => {
    for (const name of names) await stop(name);
    await bed.expectNothingLeft();
    expect(await digestOf(kept.ram)).toBe(digest);
  });
  afterAll(() => bed.close());

  test('is kept for this user alone, and only what is in use takes room', async () => {
    for (const path of [kept.ram, kept.state]) expect(statSync(path).mode & 0o777).toBe(0o600);
    const ram = statSync(kept.ram);
    expect(ram.size).toBe(256 * MiB);
    expect(ram.blocks * 512).toBeLessThan(200 * MiB);
    expect(statSync(kept.state).size).toBeLessThan(8 * MiB);

    const written = (await bed.driver.memory?.written(kept.ram, bed.io)) ?? [];
    const content = readFileSync(kept.ram);
    let end = 0;
    for (const { from, length } of written) {
      expect(from).toBeGreaterThanOrEqual(end);
      expect(isEmpty(content.subarray(end, from))).toBe(true);
      expect(isEmpty(content.subarray(from, from + length))).toBe(false);
      end = from + length;
    }
    expect(isEmpty(content.subarray(end))).toBe(true);
  });

  test('is gone on from by two machines at once, and what they write and free is their own', async () => {
    const specs: MachineSpec[] = [];
    for (const name of names) {
      const resume = { ...kept, mode: 'shared' } as const;
      const spec = await bed.makeSpec({ name, boot, shares, resume });
      rmSync(spec.serialLog, { force: true });
      const began = performance.now();
      const started = await bed.driver.start(spec, bed.io);
      expect(performance.now() - began).toBeLessThan(5000);
      expect(started.resumed).toBe('shared');
      expect(await bed.driver.running(name)).toEqual(started);
      specs.push(spec);
    }
    for (const spec of specs) {
      expect((await bed.driver.inspect(spec.name, bed.io)).kind).toBe('running');
      expect(await goesOn(spec, last, 5)).not.toContain('TINY-READY');
      const usage = (await bed.driver.usage(spec.name)).memory;
      expect(usage?.shared).toBeGreaterThan(MiB);
      expect(usage?.private).toBeLessThan(256 * MiB);
    }
  });

  test('is gone on from by one without a network, which takes another name and gets one', async () => {
    const [from, to] = [first, names[1] ?? first];
    const usual = await bed.makeSpec({ name: from, boot, shares });
    const { spec } = await goOn('shared', { network: { ...usual.network, egress: 'later' } });
    const hosts = shares.map(({ host }) => host);
    expect(await bed.driver.running(from)).toMatchObject({ network: { backend: 'none' } });
    expect(await bed.driver.memory?.holds(from, hosts)).toBe(true);

    // A port that is taken by then is told, and another one does.
    const taken = await listen('127.0.0.1');
    const forward = (host: number) => ({ ...spec.network, forwards: [{ host, guest: 80 }] });
    const adopt = (host: number) =>
      bed.driver.memory?.adopt(
        from,
        { ...spec, name: to, network: { ...forward(host), egress: 'open' } },
        bed.io,
      );
    await expect(adopt(taken.port)).rejects.toMatchObject({
      code: 'conflict',
      facts: { ports: [taken.port] },
    });
    await taken.close();
    const started = await adopt(taken.port);
    expect(started).toMatchObject({ resumed: 'shared', network: { egress: 'open' } });
    expect(await bed.driver.running(to)).toEqual(started);
    expect(await bed.driver.running(from)).toBeUndefined();
    expect(await bed.host.canBind(taken.port)).toBe(false);
    await goesOn(spec, last, 5);

    const [one = ''] = hosts;
    expect(await bed.driver.memory?.holds(to, hosts)).toBe(true);
    rmSync(one, { recursive: true });
    mkdirSync(one);
    expect(await bed.driver.memory?.holds(to, hosts)).toBe(false);
    expect(await stop(to)).toBe('forced');
    expect(await bed.host.canBind(taken.port)).toBe(true);
    await bed.expectNothingLeft();
    const gone = adopt(taken.port);
    await expect(gone).rejects.toMatchObject({ code: 'hypervisor-failed' });
  });

  test('is gone on from by one that has it for itself, without a file of it', async () => {
    const files = () => bed.host.files.list('/dev/shm');
    const before = await files();
    const { spec, started } = await goOn('own');
    expect(started.resumed).toBe('own');
    expect(await goesOn(spec, last, 3)).not.toContain('TINY-READY');
    expect(await files()).toEqual(before);
  });

  test('goes back to the host as its guest frees it, from one that has it for itself', async () => {
    const { spec, started } = await goOn('own');
    await goesOn(spec, last, 3);
    // Without a balloon it only grows.
    const used = () => bytesOfMemory(started.process.pid);
    const before = used();
    await goesOn(spec, last, 6);
    expect(used()).toBeGreaterThanOrEqual(before);
    for (let times = 0; times < 2; times++) await bed.driver.memory?.giveBack(spec.name, bed.io);
    await expect.poll(used, { timeout: 60_000, interval: 500 }).toBeLessThan(before - 4 * MiB);
    await goesOn(spec, last, 8);
    const again = bed.driver.memory?.keep(spec.name, copiesAt(bed, 4), bed.io);
    await expect(again).rejects.toMatchObject({ code: 'hypervisor-failed' });

    // The file is looked at after each test.
    await stop(spec.name);
    const sharing = await goOn('shared');
    await bed.driver.memory?.giveBack(sharing.spec.name, bed.io);
    await goesOn(sharing.spec, last, 5);
  });

  test('of a machine that went on with its own can be kept again', async () => {
    const { spec } = await goOn('own');
    await goesOn(spec, last, 1);
    const again = { ram: join(bed.home, 'ram-2'), state: join(bed.home, 'state-2') };
    await bed.driver.memory?.keep(spec.name, again, bed.io);
    const next = lastRound(readFileSync(spec.serialLog, 'utf8'));
    await stop(spec.name);

    const second = await goOn('shared', { from: again });
    await goesOn(second.spec, next, 1);
    const third = bed.driver.memory?.keep(second.spec.name, copiesAt(bed, 3), bed.io);
    await expect(third).rejects.toMatchObject({ code: 'hypervisor-failed' });
    expect(existsSync(copiesAt(bed, 3).ram)).toBe(false);
  });

  describe('that is damaged', () => {
    const rows: [string, (own: KeptMemory) => void, Partial<MachineSpec>][] = [
      ['in its state', ({ state }) => scribble(state), {}],
      ['by one bit of its state', ({ state }) => flipBit(state), {}],
      ['by a state that was cut', ({ state }) => truncateSync(state, statSync(state).size / 2), {}],
      ['by a state that is empty', ({ state }) => truncateSync(state), {}],
      ['by a state that is gone', ({ state }) => rmSync(state), {}],
      ['by RAM that was cut', ({ ram }) => truncateSync(ram, 100 * MiB), {}],
      ['by RAM that is empty', ({ ram }) => truncateSync(ram), {}],
      ['by RAM that is gone', ({ ram }) => rmSync(ram), {}],
      ['or of more devices', () => {}, { shares: [] }],
      ['or of other processors', () => {}, { cpus: 2 }],
      ['or of another machine type', () => {}, { machine: 'pc-q35-7.1' }],
    ];
    test.each(rows)('%s is told from what a boot cannot do either', async (_, damage, changes) => {
      const own = copies();
      damage(own);
      for (const mode of ['shared', 'own'] as const) {
        await expect(goOn(mode, { from: own, ...changes })).rejects.toMatchObject({
          code: 'hypervisor-failed',
          facts: { resume: true },
        });
        await bed.expectNothingLeft();
      }
    });
  });

  test('is gone on from after a start that was interrupted, which leaves nothing', async () => {
    let interrupted = 0;
    for (const [index, milliseconds] of [0, 10, 30, 60, 90, 120, 150].entries()) {
      const interrupt = new AbortController();
      const resume = { ...kept, mode: index % 2 ? 'own' : 'shared' } as const;
      const spec = await bed.makeSpec({ name: first, boot, shares, resume });
      const started = bed.driver.start(spec, { ...bed.io, signal: interrupt.signal });
      setTimeout(() => interrupt.abort(new Error('Ctrl-C')), milliseconds);
      await started.then(
        () => stop(spec.name),
        () => interrupted++,
      );
      await bed.expectNothingLeft();
    }
    expect(interrupted).toBeGreaterThan(2);
    await goOn('shared');
  });

  test('is kept by none that is not there, or was not started to be kept', async () => {
    const into = copiesAt(bed, 4);
    await expect(keep(into)).rejects.toMatchObject({ code: 'hypervisor-failed' });
    await bed.driver.start(await bed.makeSpec({ boot }), bed.io);
    await expect(keep(into)).rejects.toThrow(/not started to be kept/);
    await stop();
    expect(existsSync(into.ram) || existsSync(into.state)).toBe(false);
  });

  test('is not kept over a file that is there, or while a share is mounted', async () => {
    const mounted = guest.boot({ shares: 1 });
    const spec = await bed.makeSpec({ boot: mounted, shares: shares.slice(0, 1), keepable: true });
    rmSync(spec.serialLog, { force: true });
    await bed.driver.start(spec, bed.io);
    await waitForSerial(spec.serialLog, 'TINY-READY');
    const into = copiesAt(bed, 5);
    await expect(keep(into)).rejects.toMatchObject({
      code: 'hypervisor-failed',
      message: expect.stringMatching(/9p|mount/i),
      facts: { blocked: [expect.any(String)] },
    });
    writeFileSync(into.ram, 'precious');
    await expect(keep(into)).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(into.ram, 'utf8')).toBe('precious');
    expect(existsSync(into.state)).toBe(false);
    expect((await bed.driver.inspect(bed.name, bed.io)).kind).toBe('running');
    await stop();
  });

  describe('when CloneBox is killed', () => {
    let script: string;
    beforeEach(async () => {
      script = join(bed.home, 'child.mjs');
      await build({
        entryPoints: [fileURLToPath(new URL('../fixtures/memory-child.ts', import.meta.url))],
        outfile: script,
        bundle: true,
        platform: 'node',
        format: 'esm',
        define: { __FAULTS__: 'false', __VERSION__: '"test"' },
        banner: {
          js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);",
        },
      });
    });

    /** Runs it in a process of its own; returns once that is dead. */
    async function killedAt(
      work: { what: 'keep' | 'start'; spec: MachineSpec; into: KeptMemory },
      until: () => boolean | Promise<unknown>,
    ): Promise<void> {
      const text = JSON.stringify({ spec: work.spec, into: work.into });
      const child = spawn(process.execPath, [script, driverName, work.what, text], {
        env: { ...process.env, CLONEBOX_HOME: bed.home, ...env },
        stdio: 'inherit',
      });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const due = until();
      if (due instanceof Promise) await due;
      else while (child.exitCode === null && !until()) await sleep(1);
      child.kill('SIGKILL');
      await ended;
    }

    test('while it keeps it, the files and the machine can be removed', async () => {
      const spec = await bed.makeSpec({ boot, shares, keepable: true });
      rmSync(spec.serialLog, { force: true });
      await bed.driver.start(spec, bed.io);
      await waitForSerial(spec.serialLog, 'TINY-ROUND');
      const into = copiesAt(bed, 6);
      const size = (path: string) => (existsSync(path) ? statSync(path).size : 0);
      await killedAt({ what: 'keep', spec, into }, () => size(into.ram) > 0);

      await bed.driver.remove(bed.name, bed.io);
      rmSync(into.ram);
      rmSync(into.state);
      await bed.expectNothingLeft();
      await sleep(1000);
      expect(existsSync(into.ram) || existsSync(into.state)).toBe(false);
    });

    test('while it goes on from it, the next start does, or leaves a machine that runs', async () => {
      for (const [index, milliseconds] of [200, 250, 300, 350, 400, 450].entries()) {
        const resume = { ...kept, mode: index % 2 ? 'own' : 'shared' } as const;
        const spec = await bed.makeSpec({ name: first, boot, shares, resume });
        rmSync(spec.serialLog, { force: true });
        await killedAt({ what: 'start', spec, into: kept }, () => sleep(milliseconds));

        await bed.driver.start(spec, bed.io);
        expect((await bed.driver.inspect(spec.name, bed.io)).kind).toBe('running');
        await goesOn(spec, last, 1);
        await stop(spec.name);
        await bed.expectNothingLeft();
      }
    });
  });

  test('has an identity: the same at each look, another for another hypervisor', async () => {
    const { facts, driver } = bed;
    const identity = (changes: Partial<typeof facts> = {}) =>
      driver.memory?.identity({ ...facts, ...changes });
    const own = await identity();
    expect(own).toContain(facts.version);
    expect(await identity()).toBe(own);
    expect(await identity({ build: `${facts.build}+1` })).not.toBe(own);
    expect(await identity({ machine: 'pc-q35-0.1' })).not.toBe(own);
    expect(await identity({ layout: facts.layout + 1 })).not.toBe(own);
    const other = facts.accel.accel === 'tcg' ? 'kvm' : 'tcg';
    expect(await identity({ accel: { accel: other, reason: '' } })).not.toBe(own);
  });
}

interface Round {
  readonly token: string;
  readonly count: number;
}

function lastRound(serial: string): Round {
  // The last line may have been cut off, in the middle of its number too.
  const lines = serial.matchAll(/TINY-ROUND ([\w-]+) (\d+)\s/g);
  const [, token = '', count] = [...lines].at(-1) ?? [];
  return { token, count: Number(count) };
}

/** Waits until the guest has done so many rounds more, as the one that was kept; returns all that it has said. */
async function goesOn({ serialLog }: MachineSpec, last: Round, rounds: number): Promise<string> {
  return waitForSerial(serialLog, `TINY-ROUND ${last.token} ${last.count + rounds}\n`);
}

function isEmpty(part: Buffer): boolean {
  return part.equals(Buffer.alloc(part.length));
}

function copiesAt({ home }: Bed, index: number): KeptMemory {
  return { ram: join(home, `ram-${index}`), state: join(home, `state-${index}`) };
}

function flipBit(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(path, bytes);
}

/** Random-looking bytes over the middle of a file. */
function scribble(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill('scribble', 1000, bytes.length / 2);
  writeFileSync(path, bytes);
}
