import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findVirtiofsd } from '../../src/drivers/qemu/virtiofs.ts';
import { driverContract } from '../contracts/driver-contract.ts';
import { egressContract } from '../contracts/driver-egress-contract.ts';
import { memoryContract } from '../contracts/driver-memory-contract.ts';
import { type Bed, freePort, openBed } from '../fixtures/machine-bed.ts';
import { makeScratch, makeTinyGuest, waitForSerial } from '../fixtures/tiny-guest.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

const scratch = makeScratch();
afterAll(() => rmSync(scratch, { recursive: true }));
const guest = await makeTinyGuest(scratch);
const probe = await openBed('qemu');
const unable = probe.facts.problems[0]?.what;
const virtiofsd = await findVirtiofsd(probe.host, probe.io);
await probe.close();

driverContract('qemu', { guest, unable });
driverContract('qemu', { guest, unable, env: { CLONEBOX_NETWORK: 'user' } });
egressContract('qemu', { guest, unable });
egressContract('qemu', { guest, unable, env: { CLONEBOX_NETWORK: 'user' } });

memoryContract('qemu', { guest, unable });

describe.skipIf(unable !== undefined)(`qemu${unable ? ` (not here: ${unable})` : ''}`, () => {
  let bed: Bed;
  beforeEach(async () => {
    bed = await openBed('qemu');
  });
  afterEach(() => bed.close());
  const at = (name: string) => join(bed.runtime, name);
  const inspect = () => bed.driver.inspect(bed.name, bed.io);
  const start = async () => bed.driver.start(await bed.makeSpec(), bed.io);
  const stop = (grace = 0) => bed.driver.stop(bed.name, bed.io, { grace });

  test('names the machine type that new machines are pinned to', () => {
    expect(bed.facts.machine).toMatch(/^pc-q35-[\w.]+$/);
    expect(bed.facts.version).toMatch(/^\d+\.\d+/);
    expect(bed.facts.accel.reason).not.toBe('');
  });

  describe('what a crash left', () => {
    let foreign: ChildProcess;
    beforeEach(async () => {
      foreign = spawn('sleep', ['600']);
      await bed.makeSpec();
      mkdirSync(bed.runtime, { recursive: true, mode: 0o700 });
    });
    afterEach(() => foreign.kill('SIGKILL'));
    const foreignLives = () => bed.host.isAlive({ pid: foreign.pid as number, startTime: age() });
    const age = () => {
      const stat = readFileSync(`/proc/${foreign.pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    };

    test("a pid file with somebody else's pid is not our machine", async () => {
      writeFileSync(at('qemu.pid'), `${foreign.pid}\n`);
      expect((await inspect()).kind).toBe('stopped');
      expect(await bed.driver.running(bed.name)).toBeUndefined();

      expect((await start()).process.pid).not.toBe(foreign.pid);
      expect((await inspect()).kind).toBe('running');
      expect(await stop()).toBe('forced');
      expect(await foreignLives()).toBe(true);
    });

    test.each(['', 'x', '0', '-1', '1', '99999999999999999999'])(
      'a pid file of %j',
      async (text) => {
        writeFileSync(at('qemu.pid'), text);
        expect((await inspect()).kind).toBe('stopped');
        expect(await stop()).toBe('was-stopped');
        expect(existsSync(bed.runtime)).toBe(false);
      },
    );

    test('a runtime directory full of other things', async () => {
      for (const name of ['qmp', 'agent', 'console', 'passt.sock', 'run.json', 'core', '.hidden']) {
        writeFileSync(at(name), 'left over');
      }
      mkdirSync(at('empty/not/so/empty'), { recursive: true });
      await start();
      expect((await inspect()).kind).toBe('running');
      expect(await stop()).toBe('forced');
      await bed.expectNothingLeft();
    });

    test('dead sockets of a machine that was killed', async () => {
      const { process } = await start();
      await bed.host.kill(process, 'SIGKILL');
      await expect.poll(() => bed.host.isAlive(process), patient).toBe(false);
      expect(lstatSync(at('qmp')).isSocket()).toBe(true);

      expect((await inspect()).kind).toBe('stopped');
      expect(await stop(60_000)).toBe('was-stopped');
      await bed.expectNothingLeft();
    });

    test('a machine whose pid file is lost is replaced by the next start, not doubled', async () => {
      const first = await start();
      rmSync(at('qemu.pid'));
      const second = await start();

      expect(await bed.host.isAlive(first.process)).toBe(false);
      expect((await bed.host.processesMentioning(at('qemu.pid'))).length).toBe(1);
      expect(second.process).not.toEqual(first.process);
    });

    test('a lost record of what it runs with is admitted', async () => {
      const { process } = await start();
      writeFileSync(at('run.json'), '{"accel":');
      const running = await bed.driver.running(bed.name);
      expect(running).toMatchObject({ process, network: { hostIsolated: false } });
      expect(running?.accel.reason).toContain('lost');
    });
  });

  test('five inspections get the true state while another client holds the control socket', async () => {
    await start();
    const holder = connect(at('qmp'));
    const said: string[] = [];
    holder.setEncoding('utf8').on('data', (text: string) => said.push(text));
    holder.write('{"execute":"qmp_capabilities"}\n{"execute":"stop"}\n');
    await expect.poll(() => said.join(''), patient).toContain('"STOP"');

    // A machine that does not answer would count as running, so a paused one proves the answer.
    const states = Promise.all(Array.from({ length: 5 }, inspect));
    await sleep(1000);
    holder.destroy();
    for (const state of await states) expect(state.kind).toBe('paused');
  });

  test('a machine that hangs counts as running, and can be stopped', async () => {
    const { process: qemu } = await start();
    process.kill(qemu.pid, 'SIGSTOP');
    expect((await inspect()).kind).toBe('running');

    expect(await stop()).toBe('forced');
    expect(await bed.host.isAlive(qemu)).toBe(false);
    await bed.expectNothingLeft();
  });

  test('ends with an error that quotes QEMU when its machine type is gone', async () => {
    const spec = { ...(await bed.makeSpec()), machine: 'pc-q35-0.1' };
    const started = bed.driver.start(spec, bed.io);
    await expect(started).rejects.toMatchObject({ code: 'hypervisor-failed' });
    await expect(started).rejects.toThrow(/pc-q35-0\.1|machine/);
    await bed.expectNothingLeft();
  });

  test('sockets and logs are for this user alone', async () => {
    await bed.driver.start(
      await bed.makeSpec({ forwards: [{ host: await freePort(), guest: 80 }] }),
      bed.io,
    );
    for (const name of ['', 'qemu.log', 'run.json'])
      expect(lstatSync(at(name)).mode & 0o077).toBe(0);
  });

  const noVirtiofs = typeof guest === 'string' ? guest : virtiofsd ? undefined : 'no virtiofsd';
  test.skipIf(noVirtiofs !== undefined)(
    `a virtiofs share with a hostile name reaches the guest${noVirtiofs ? ` (not here: ${noVirtiofs})` : ''}`,
    async () => {
      if (typeof guest === 'string') return;
      const share = join(bed.home, `it's, a\n"share" $(x) \\`);
      mkdirSync(share);
      chmodSync(share, 0o755);
      writeFileSync(join(share, 'hello.txt'), 'from the host');
      const spec = await bed.makeSpec({
        boot: guest.boot({ shares: 1 }),
        shares: [{ host: share, readOnly: false, driver: 'virtiofs' }],
      });
      const started = await bed.driver.start(spec, bed.io);
      expect(started.shareDriver).toBe('virtiofs');
      const serial = await waitForSerial(spec.serialLog, 'TINY-READY');
      expect(serial).toContain('TINY-SHARE share0 hello.txt: from the host\n');
      expect(readFileSync(join(share, 'written'), 'utf8')).toBe('from the guest\n');

      expect(await stop(30_000)).toBe('graceful');
      await bed.expectNothingLeft();
    },
  );
});
