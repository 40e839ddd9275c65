import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MachineSpec, ShareSpec } from '../../core/driver.ts';
import { parseVmName } from '../../core/name.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { currentLayout, shareSlots } from './layout.ts';
import { runtimeFiles } from './runtime-files.ts';
import { startMachine } from './start-machine.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/bin/${name}`, import.meta.url));
const share = (more: Partial<ShareSpec> = {}): ShareSpec => ({
  tag: 'share0',
  host: home,
  readOnly: false,
  driver: '9p',
  ...more,
});

/** Starts a machine on a host that has only these programs, in a runtime directory that may be far away. */
function start(options: { path?: string[]; spec?: Partial<MachineSpec>; runtime?: string } = {}) {
  const spec: MachineSpec = {
    name: parseVmName('web'),
    uuid: '6f4af836-6520-4735-86c3-6a69ea54bf21',
    layout: currentLayout,
    machine: 'pc-q35-7.2',
    accel: 'auto',
    cpus: 1,
    memory: 1 << 28,
    disk: join(home, 'disk'),
    seed: undefined,
    boot: { kind: 'firmware' },
    shares: [],
    network: { mac: '52:54:00:00:00:01', forwards: [], egress: 'open' },
    serialLog: join(home, 'serial.log'),
    ...options.spec,
  };
  const path = (options.path ?? ['old-qemu']).map(fixture).join(delimiter);
  const machine = {
    host: createHost({ PATH: path, CLONEBOX_ACCEL: 'tcg', CLONEBOX_NETWORK: 'user' }),
    files: runtimeFiles(options.runtime ?? join(home, 'run')),
  };
  return startMachine(machine, spec, quietIo());
}

test('without QEMU a start names the package, and makes nothing', async () => {
  await expect(start({ path: [] })).rejects.toMatchObject({
    code: 'host-unable',
    hint: expect.stringContaining('apt install qemu-system-x86'),
    facts: { program: 'qemu-system-x86_64' },
  });
  expect(existsSync(join(home, 'run'))).toBe(false);
});

test('a QEMU that ends at once is quoted, and leaves nothing', async () => {
  await expect(start()).rejects.toMatchObject({ code: 'hypervisor-failed' });
  expect(existsSync(join(home, 'run'))).toBe(false);
});

test('a runtime directory that is too long for a socket is told by its length', async () => {
  const runtime = join(home, 'x'.repeat(100));
  await expect(start({ runtime })).rejects.toMatchObject({
    code: 'host-unable',
    facts: { limit: 107 },
    hint: expect.stringContaining('CLONEBOX_HOME'),
  });
  expect(existsSync(runtime)).toBe(false);
});

test('more shares than slots are too many', async () => {
  const shares = Array.from({ length: shareSlots + 1 }, (_, n) => share({ tag: `share${n}` }));
  await expect(start({ spec: { shares } })).rejects.toMatchObject({ code: 'config-invalid' });
});

test('a machine of a newer CloneBox is not started', async () => {
  const started = start({ spec: { layout: currentLayout + 1 } });
  await expect(started).rejects.toMatchObject({ code: 'conflict' });
});

test('a virtiofsd that ends at once is quoted, and leaves nothing', async () => {
  const spec = { shares: [share({ driver: 'virtiofs' })] };
  await expect(start({ path: ['old-qemu', 'rust-virtiofsd'], spec })).rejects.toMatchObject({
    code: 'hypervisor-failed',
    facts: { log: expect.stringContaining('not permitted') },
  });
  expect(existsSync(join(home, 'run'))).toBe(false);
});

test('a virtiofsd that cannot enforce a read-only share is not trusted with one', async () => {
  const spec = { shares: [share({ driver: 'virtiofs', readOnly: true })] };
  await expect(start({ path: ['old-qemu', 'c-virtiofsd'], spec })).rejects.toMatchObject({
    code: 'host-unable',
    hint: expect.stringContaining('9p'),
  });
  expect(existsSync(join(home, 'run'))).toBe(false);
});
