import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { parseMachineType, preflight, qemuProgram } from './preflight.ts';

const io = quietIo();
const empty = mkdtempSync(join(tmpdir(), 'cb-'));
afterAll(() => rmSync(empty, { recursive: true }));
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/bin/${name}`, import.meta.url));
const hostWith = (...path: string[]) => createHost({ PATH: path.join(delimiter) });

/** From `qemu-system-x86_64 -machine help` of QEMU 7.2.22 on Debian 12, shortened in the middle. */
const debian = `Supported machines are:
microvm              microvm (i386)
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)
pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)
q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)
pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)
pc-q35-7.1           Standard PC (Q35 + ICH9, 2009)
isapc                ISA-only PC
none                 empty machine
x-remote             Experimental remote machine
`;

describe('the machine type', () => {
  test('is the versioned one behind the alias', () => {
    expect(parseMachineType(debian)).toBe('pc-q35-7.2');
  });

  test('is not that of another alias, in whatever order', () => {
    const lines = debian.split('\n').reverse();
    lines.unshift('ubuntu-q35           Ubuntu PC (Q35 + ICH9, 2009) (alias of pc-q35-noble)');
    expect(parseMachineType(lines.join('\n'))).toBe('pc-q35-7.2');
  });

  test('may have letters in its version', () => {
    const line =
      'q35                  RHEL-9.2.0 PC (Q35 + ICH9, 2009) (alias of pc-q35-rhel9.2.0)\n';
    expect(parseMachineType(line)).toBe('pc-q35-rhel9.2.0');
  });

  test.each(['', 'Supported machines are:\n', debian.replace(/^q35.*$/m, ''), '\0\n\xff'])(
    'of a QEMU without q35 is unknown (%#)',
    (help) => expect(parseMachineType(help)).toBeUndefined(),
  );
});

describe('a host', () => {
  test('without QEMU has that problem and its fix, and is still described', async () => {
    const facts = await preflight(hostWith(empty), io);
    expect(facts).toMatchObject({ driver: 'qemu', version: undefined, machine: undefined });
    expect(facts.problems).toEqual([
      { what: 'qemu-system-x86_64 is not installed', fix: 'sudo apt install qemu-system-x86' },
      { what: 'qemu-img is not installed', fix: 'sudo apt install qemu-utils' },
    ]);
    expect(facts.accel.reason).not.toBe('');
  });

  test('with an old QEMU is told which one is needed', async () => {
    const facts = await preflight(hostWith(fixture('old-qemu'), fixture('full-qemu-img')), io);
    expect(facts.version).toBe('6.2.0');
    expect(facts.problems).toEqual([
      { what: 'QEMU 6.2.0 is too old', fix: 'CloneBox needs QEMU 7.2 or newer' },
      { what: 'this QEMU has no q35 machine', fix: expect.stringContaining('qemu-system-x86') },
    ]);
  });

  test('of another architecture looks for its own QEMU', () => {
    expect(qemuProgram({ ...createHost({}), architecture: 'arm64' })).toBe('qemu-system-aarch64');
    expect(qemuProgram({ ...createHost({}), architecture: 'x64' })).toBe('qemu-system-x86_64');
  });

  test('shares by virtiofs only with KVM and a virtiofsd', async () => {
    const shares = async (accel: string, found: boolean) => {
      const host = createHost({ PATH: fixture('rust-virtiofsd'), CLONEBOX_ACCEL: accel });
      // virtiofsd is looked for outside the PATH too, so its absence is told and not made.
      const which = found ? host.which : async () => undefined;
      return (await preflight({ ...host, which }, io)).shares.driver;
    };
    expect(await shares('tcg', true)).toBe('9p');
    expect(await shares('kvm', true)).toBe('virtiofs');
    expect(await shares('kvm', false)).toBe('9p');
  });
});
