import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Started } from '../../src/core/driver.ts';
import { type Bed, freePort, listen, openBed } from '../fixtures/machine-bed.ts';
import { type TinyGuest, waitForSerial } from '../fixtures/tiny-guest.ts';

/** Names that break out of option strings, shells, JSON and lists of paths. */
const hostileNames = [
  'commas, ,, and spaces ',
  `it's a "quote"`,
  'new\nline',
  '$(touch pwned)`touch pwned`',
  '-leading --dash',
  'ünïcødé 日本 🐛',
  'back\\slash\\n %s ;&|=:',
];

/**
 * What a driver promises of a guest: one is booted, once, in a home and with shares whose names are hostile, and each
 * test reads what it had to say. The last one presses its power button.
 */
export function guestContract(
  driverName: string,
  options: { env: Record<string, string>; guest: TinyGuest },
): void {
  let bed: Bed;
  let started: Started;
  let serial: string;
  let port: number;
  let knocks = 0;
  let shares: string[];

  beforeAll(async () => {
    bed = await openBed(driverName, { env: options.env, folder: `it's, "a" $(x)\n-é` });
    const { paths, driver, io } = bed;
    shares = [...hostileNames, 'read-only'].map((name) => join(bed.home, name));
    for (const share of shares) {
      mkdirSync(share);
      writeFileSync(join(share, 'hello.txt'), 'from the host');
    }
    const onLoopback = await listen('127.0.0.1', (socket) => {
      knocks++;
      socket.on('error', () => {});
      socket.end('host loopback\n');
    });
    port = await freePort();
    const spec = await bed.makeSpec({
      boot: options.guest.boot({ shares: shares.length, network: true, reach: onLoopback.port }),
      shares: shares.map((host) => ({ host, readOnly: host.endsWith('read-only'), driver: '9p' })),
      forwards: [{ host: port, guest: 80 }],
    });
    started = await driver.start(spec, io);
    serial = await waitForSerial(paths.vm(bed.name).serialLog, 'TINY-READY');
    await onLoopback.close();
  });
  afterAll(() => bed.close());

  test('runs in the hostile home, and its serial log is there', () => {
    expect(bed.runtime.startsWith(`${bed.home}/`)).toBe(true);
    expect(existsSync(bed.runtime)).toBe(true);
    expect(serial).not.toContain('TINY-BROKEN');
    expect(readdirSync(bed.home)).not.toContain('pwned');
  });

  test('reads every share, whatever it is called', () => {
    for (const index of shares.keys()) {
      expect(serial).toContain(`TINY-SHARE share${index} hello.txt: from the host\n`);
    }
  });

  test('writes through every share but the read-only one', () => {
    for (const [index, share] of shares.entries()) {
      const written = join(share, 'written');
      if (share.endsWith('read-only')) {
        expect(serial).toContain(`TINY-DENIED share${index}\n`);
        expect(existsSync(written)).toBe(false);
      } else {
        expect(serial).toContain(`TINY-WROTE share${index}\n`);
        expect(readFileSync(written, 'utf8')).toBe('from the guest\n');
      }
    }
  });

  test('answers on its forwarded port', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      signal: AbortSignal.timeout(20_000),
    });
    expect(await answer.text()).toBe('tiny\n');
  });

  test("reaches the host's loopback only where the driver said so", () => {
    if (started.network.hostIsolated) {
      expect(serial).toMatch(/TINY-UNREACHED \d+\.\d+\.\d+\.\d+\n/);
      expect(knocks).toBe(0);
    } else {
      expect(serial).toContain('TINY-REACHED\n');
      expect(started.network.reason).toMatch(/can reach/);
    }
  });

  test('powers off when it is asked to', async () => {
    expect(await bed.driver.stop(bed.name, bed.io, { grace: 30_000 })).toBe('graceful');
    await bed.expectNothingLeft();
    const log = readFileSync(bed.paths.vm(bed.name).serialLog, 'utf8');
    expect(log).toContain('TINY-POWER-BUTTON');
  });

  test('appends to its serial log when it starts again', async () => {
    const { serialLog } = bed.paths.vm(bed.name);
    const before = readFileSync(serialLog, 'utf8');
    await bed.driver.start(await bed.makeSpec({ boot: options.guest.boot() }), bed.io);
    await expect
      .poll(() => readFileSync(serialLog, 'utf8').length, { timeout: 60_000 })
      .toBeGreaterThan(before.length);
    expect(readFileSync(serialLog, 'utf8').startsWith(before)).toBe(true);
    expect(await bed.driver.stop(bed.name, bed.io, { grace: 0 })).toBe('forced');
  });
}
