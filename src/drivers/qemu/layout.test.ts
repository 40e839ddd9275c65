import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AccelChoice, MachineSpec, NetworkChoice, ShareSpec } from '../../core/driver.ts';
import { parseVmName } from '../../core/name.ts';
import { machineArguments, shareSlots } from './layout.ts';
import { escapeOption } from './options.ts';
import { runtimeFiles } from './runtime-files.ts';

const files = runtimeFiles('/run/user/1000/clonebox/vms/0a1b2c3d');
const accels = ['kvm', 'tcg'] as const;
const backends = ['passt', 'user'] as const;
const choice = (accel: AccelChoice['accel'], backend: string) => ({
  accel: { accel, reason: '' },
  network: {
    backend,
    hostIsolated: backend === 'passt',
    egress: 'open',
    reason: '',
  } satisfies NetworkChoice,
});

const share = (index: number, more: Partial<ShareSpec> = {}): ShareSpec => ({
  tag: `share${index}`,
  host: `/home/me/project-${index}`,
  readOnly: false,
  driver: '9p',
  ...more,
});

const spec: MachineSpec = {
  name: parseVmName('hello-web'),
  uuid: '6f4af836-6520-4735-86c3-6a69ea54bf21',
  layout: 1,
  machine: 'pc-q35-7.2',
  accel: 'auto',
  cpus: 2,
  memory: 1024 * 1024 * 1024,
  disk: '/home/me/.local/share/clonebox/vms/hello-web/disk.qcow2',
  seed: '/home/me/.local/share/clonebox/vms/hello-web/seed.iso',
  boot: {
    kind: 'direct',
    kernel: '/home/me/.cache/clonebox/images/abc/kernel',
    initrd: '/home/me/.cache/clonebox/images/abc/initrd',
    commandLine: 'root=/dev/vda rw console=ttyS0 quiet',
  },
  shares: [share(0), share(1, { readOnly: true }), share(2, { driver: 'virtiofs' })],
  network: {
    mac: '52:54:00:ad:b8:88',
    forwards: [
      { host: 20022, guest: 22 },
      { host: 8080, guest: 80 },
    ],
    egress: 'open',
  },
  serialLog: '/home/me/.local/share/clonebox/vms/hello-web/serial.log',
};

/** One option a line. */
function printed(argv: readonly string[]): string {
  return `${argv
    .map((word) => (word.startsWith('-') ? `\n${word}` : ` ${word}`))
    .join('')
    .trim()}\n`;
}

// A guest remembers where its devices are: a change of these files breaks machines that exist. Make a new layout.
describe.each(accels)('layout 1 with %s', (accel) => {
  test.each(backends)('and %s is what it has always been', async (backend) => {
    const argv = machineArguments(spec, files, choice(accel, backend));
    const golden = `../../../test/fixtures/golden/qemu-layout-1-${accel}-${backend}.txt`;
    await expect(printed(argv)).toMatchFileSnapshot(golden);
  });
});

test('no QEMU may start a program or gain a right', () => {
  for (const backend of backends) {
    const argv = machineArguments(spec, files, choice('tcg', backend));
    expect(argv[argv.indexOf('-sandbox') + 1]).toBe(
      'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
    );
  }
});

test('a machine that boots from its disk says so, and has no kernel', async () => {
  const own = { ...spec, boot: { kind: 'firmware' }, seed: undefined, shares: [] } as const;
  const argv = machineArguments(own, files, choice('tcg', 'passt'));
  const golden = '../../../test/fixtures/golden/qemu-layout-1-firmware.txt';
  await expect(printed(argv)).toMatchFileSnapshot(golden);
});

const kept = { ram: '/home/me/.local/share/clonebox/ram', state: '/home/me/state' };

test.each(['own', 'shared'] as const)(
  'a machine that goes on with %s memory is what it has always been',
  async (mode) => {
    const argv = machineArguments(
      { ...spec, shares: [share(0)], resume: { ...kept, mode } },
      files,
      choice('tcg', 'passt'),
    );
    const golden = `../../../test/fixtures/golden/qemu-layout-1-resumed-${mode}.txt`;
    await expect(printed(argv)).toMatchFileSnapshot(golden);
  },
);

test('a machine that goes on has the devices of the one that was kept, and neither has a balloon', () => {
  const devices = (more: Partial<MachineSpec>) =>
    slots(machineArguments({ ...spec, ...more }, files, choice('tcg', 'passt')));
  const keepable = devices({ keepable: true });
  for (const mode of ['own', 'shared'] as const)
    expect(devices({ resume: { ...kept, mode } })).toEqual(keepable);
  // Whoever can return memory could make holes in the kept file.
  const balloon = 'virtio-balloon-pci';
  expect(keepable.has(balloon)).toBe(false);
  expect(new Map([...keepable, [balloon, '5.0']])).toEqual(devices({}));
});

/** The devices on pcie.0, as `slot.function`, by what they are. */
function slots(argv: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [index, word] of argv.entries()) {
    if (word !== '-device') continue;
    const device = JSON.parse(argv[index + 1] ?? '') as Record<string, unknown>;
    if (device.bus !== 'pcie.0') continue;
    const [slot, part = '0'] = String(device.addr).split('.');
    const what = device.mount_tag ?? device.tag ?? device.id ?? device.driver;
    found.set(String(what), `${Number(slot)}.${Number(part)}`);
  }
  return found;
}

const anySpec = fc
  .record({
    count: fc.nat(shareSlots),
    virtiofs: fc.boolean(),
    seeded: fc.boolean(),
    boots: fc.boolean(),
  })
  .map(({ count, virtiofs, seeded, boots }) => ({
    ...spec,
    shares: Array.from({ length: count }, (_, index) =>
      share(index, { driver: virtiofs ? 'virtiofs' : '9p' }),
    ),
    seed: seeded ? spec.seed : undefined,
    boot: boots ? spec.boot : ({ kind: 'firmware' } as const),
  }));

test('no two devices are in one slot, and a device is in the same slot in every machine', () => {
  const fixed = new Map<string, string>();
  const rows = fc.tuple(anySpec, fc.constantFrom(...accels), fc.constantFrom(...backends));
  fc.assert(
    fc.property(rows, ([any, accel, backend]) => {
      const argv = machineArguments(any, files, choice(accel, backend));
      const devices = slots(argv);
      expect(new Set(devices.values()).size).toBe(devices.size);
      expect(argv.filter((word) => word.includes('"bus":"pcie.0"')).length).toBe(devices.size);
      for (const [device, slot] of devices) {
        expect(slot).toBe(fixed.get(device) ?? slot);
        fixed.set(device, slot);
      }
    }),
  );
  expect(fixed.get('blk0')).toBe('1.0');
  expect(fixed.get('share7')).toBe('15.0');
});

test.each(['closable', 'closed'] as const)('a %s network moves no device', (egress) => {
  const apart = (argv: readonly string[]) =>
    argv.filter((word, index) => word !== '-netdev' && argv[index - 1] !== '-netdev');
  const open = machineArguments(spec, files, choice('tcg', 'user'));
  const own = { ...spec, network: { ...spec.network, egress } };
  const argv = machineArguments(own, files, choice('tcg', 'user'));
  expect(argv).not.toEqual(open);
  expect(apart(argv)).toEqual(apart(open));
});

test('a machine without shares has slots for those that a clone may mount', () => {
  const argv = machineArguments({ ...spec, shares: [] }, files, choice('tcg', 'passt'));
  expect([...slots(argv).keys()].filter((what) => what.startsWith('share')).length).toBe(4);
});

/** Reads one key of an option string as QEMU does: commas end a value unless doubled (qemu(1)). */
function optionOf(options: string, key: string): string | undefined {
  let value = '';
  const values: string[] = [];
  for (let index = 0; index < options.length; index++) {
    if (options[index] !== ',') value += options[index];
    else if (options[index + 1] === ',') value += options[++index];
    else {
      values.push(value);
      value = '';
    }
  }
  values.push(value);
  return values.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1);
}

test('no path can add an option of its own', () => {
  const argumentsWith = (path: string) => {
    const machine = { ...spec, disk: path, serialLog: path, shares: [share(0, { host: path })] };
    return machineArguments(machine, runtimeFiles(path), choice('tcg', 'passt'));
  };
  const path = fc.string({ unit: 'binary' }).map((text) => `/${text.replaceAll('\0', '')}`);
  fc.assert(
    fc.property(path, (any) => {
      const argv = argumentsWith(any);
      const own = runtimeFiles(any);
      const value = (option: string, start: string) =>
        argv.find((word, index) => argv[index - 1] === option && word.startsWith(start)) ?? '';
      expect(argv.length).toBe(argumentsWith('/plain').length);
      // A shared directory is not told by its path at all.
      const shared = value('-fsdev', 'local,id=share0');
      expect(shared).toBe(value('-fsdev', 'local,id=share0,path=/proc/self/fd/10,'));
      expect(optionOf(value('-chardev', 'socket,id=qmp'), 'path')).toBe(own.qmp);
      expect(optionOf(value('-chardev', 'socket,id=console'), 'logfile')).toBe(any);
      expect(optionOf(value('-netdev', 'stream'), 'addr.path')).toBe(own.passtSocket);
      expect(JSON.parse(value('-blockdev', '{"driver":"qcow2"')).file.filename).toBe(any);
    }),
  );
});

test('a value without commas needs no escape', () => {
  expect(escapeOption('/a path')).toBe('/a path');
  expect(escapeOption(',,')).toBe(',,,,');
});
