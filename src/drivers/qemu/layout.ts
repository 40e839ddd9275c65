import type { AccelChoice, MachineSpec, NetworkChoice, ShareSpec } from '../../core/driver.ts';
import {
  emulatedAccelerator,
  emulatedBoot,
  emulatedProcessor,
} from '../../core/emulated-processor.ts';
import { netdevArguments } from './network.ts';
import { escapeOption } from './options.ts';
import type { RuntimeFiles } from './runtime-files.ts';
import { isServed } from './virtiofs.ts';

/** The newest device layout: what new machines get. Older ones stay here for as long as machines have them. */
export const currentLayout = 1;

/** Live shares a machine can have: one slot each. */
export const shareSlots = 8;

/** Slots that are plugged even when unused, so that a clone from memory only has to mount. */
const prePluggedSlots = 4;

/** Where the state of a machine that goes on from a kept memory arrives: a socket that QEMU inherits. */
export const stateDescriptor = 3;

/** The first of the descriptors at which QEMU inherits the directories that it shares itself, one for each share. */
export const shareDescriptor = 10;

/** The device by which a guest gives memory back. */
export const balloonDriver = 'virtio-balloon-pci';

/** It and its port, in a machine that went on from a kept memory. */
export const balloonId = 'balloon0';
export const balloonPort = 'hp7';

/** Empty PCI Express root ports for devices that come later. */
const sparePorts = 8;

/**
 * Layout 1 of the machine, slot by slot on pcie.0:
 *
 * | slot | device |
 * |---|---|
 * | 1 | disk (virtio-blk) |
 * | 2 | network (virtio-net) |
 * | 3 | serial ports: guest agent, CloneBox's helper (virtio-serial) |
 * | 4 | random numbers (virtio-rng) |
 * | 5 | balloon with free-page reporting; none in a machine whose memory is kept. One that went on with its own gets it at hp7 |
 * | 6 | seed medium, when there is one (virtio-blk, read-only) |
 * | 8-15 | share0 to share7 |
 * | 16.0-16.7 | eight spare root ports, hp0 to hp7 |
 *
 * A guest remembers where its devices are, and a memory image demands it. Never change this function in a way
 * that moves a device: add a layout instead.
 */
export function machineArguments(
  spec: MachineSpec,
  files: RuntimeFiles,
  choice: { accel: AccelChoice; network: NetworkChoice },
): string[] {
  const json = (value: Record<string, unknown>) => JSON.stringify(value);
  const device = (driver: string, slot: number, options: Record<string, unknown> = {}) => [
    '-device',
    json({ driver, bus: 'pcie.0', addr: `0x${slot.toString(16)}`, ...options }),
  ];
  const socket = (id: string, path: string, log?: string) => [
    '-chardev',
    `socket,id=${id},path=${escapeOption(path)},server=on,wait=off${log ? `,logfile=${escapeOption(log)},logappend=on` : ''}`,
  ];
  return [
    ...['-name', `guest=${spec.name},process=clonebox-${spec.name}`.slice(0, 200)],
    ...['-uuid', spec.uuid],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', `${spec.machine},memory-backend=mem,vmport=off`],
    ...memoryArguments(spec),
    ...['-m', `${Math.floor(spec.memory / 1024 / 1024)}M`],
    ...['-smp', String(spec.cpus)],
    ...(choice.accel.accel === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', emulatedAccelerator(spec.cpus), '-cpu', emulatedProcessor]),
    ...['-rtc', 'base=utc,driftfix=slew'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-pidfile', files.pid],
    ...socket('qmp', files.qmp),
    ...['-mon', 'chardev=qmp,mode=control'],
    ...socket('console', files.console, spec.serialLog),
    ...['-serial', 'chardev:console'],
    ...bootArguments(spec, choice.accel.accel),
    ...diskArguments('disk', spec.disk, false),
    ...device('virtio-blk-pci', 1, {
      drive: 'disk',
      id: 'blk0',
      ...(spec.boot.kind === 'firmware' && { bootindex: 1 }),
    }),
    ...netdevArguments(choice.network, spec.network, files.passtSocket),
    ...device('virtio-net-pci', 2, {
      netdev: 'net0',
      id: 'nic0',
      mac: spec.network.mac,
      romfile: '',
    }),
    ...device('virtio-serial-pci', 3, { id: 'serial0' }),
    ...socket('agent', files.agent),
    ...[
      '-device',
      json({
        driver: 'virtserialport',
        bus: 'serial0.0',
        nr: 1,
        chardev: 'agent',
        name: 'org.qemu.guest_agent.0',
      }),
    ],
    ...socket('helper', files.helper),
    ...[
      '-device',
      json({
        driver: 'virtserialport',
        bus: 'serial0.0',
        nr: 2,
        chardev: 'helper',
        name: 'org.clonebox.helper.0',
      }),
    ],
    ...['-object', json({ 'qom-type': 'rng-random', id: 'rng', filename: '/dev/urandom' })],
    ...device('virtio-rng-pci', 4, { rng: 'rng' }),
    ...(spec.keepable || spec.resume
      ? []
      : device(balloonDriver, 5, { 'free-page-reporting': true })),
    ...(spec.seed === undefined
      ? []
      : [
          ...diskArguments('seed', spec.seed, true),
          ...device('virtio-blk-pci', 6, { drive: 'seed', id: 'blk1' }),
        ]),
    ...shareArguments(spec, files, device),
    // Until it is known which directory each virtiofsd has opened.
    ...(spec.shares.some(isServed) ? ['-S'] : []),
    ...Array.from({ length: sparePorts }, (_, index) => [
      '-device',
      json({
        driver: 'pcie-root-port',
        id: `hp${index}`,
        bus: 'pcie.0',
        addr: `0x10.${index}`,
        chassis: index + 1,
        ...(index === 0 && { multifunction: true }),
      }),
    ]).flat(),
    ...['-device', json({ driver: 'vmgenid', guid: 'auto' })],
  ];
}

/** QEMU waits to be told to go on, and finds the RAM in its place then: it is not in the state. */
function memoryArguments({ memory: size, resume }: MachineSpec): string[] {
  const object = (value: Record<string, unknown>) => ['-object', JSON.stringify(value)];
  const own = object({ 'qom-type': 'memory-backend-memfd', id: 'mem', size, share: true });
  if (resume === undefined) return own;
  const file = { 'qom-type': 'memory-backend-file', id: 'mem', size };
  return [
    ...(resume.mode === 'own' ? own : object({ ...file, 'mem-path': resume.ram, share: false })),
    ...['-incoming', 'defer'],
  ];
}

function bootArguments(spec: MachineSpec, accel: AccelChoice['accel']): string[] {
  if (spec.boot.kind === 'firmware') return [];
  const { kernel, initrd, commandLine } = spec.boot;
  const line = accel === 'tcg' ? `${commandLine} ${emulatedBoot}` : commandLine;
  return ['-kernel', kernel, '-initrd', initrd, '-append', line];
}

function diskArguments(node: string, path: string, readOnly: boolean): string[] {
  const raw = readOnly;
  return [
    '-blockdev',
    JSON.stringify({
      driver: raw ? 'raw' : 'qcow2',
      'node-name': node,
      'read-only': readOnly,
      ...(!readOnly && { discard: 'unmap', 'detect-zeroes': 'unmap' }),
      file: {
        driver: 'file',
        filename: path,
        'read-only': readOnly,
        ...(!readOnly && { discard: 'unmap' }),
      },
    }),
  ];
}

function shareArguments(
  spec: MachineSpec,
  files: RuntimeFiles,
  device: (driver: string, slot: number, options: Record<string, unknown>) => string[],
): string[] {
  const slots = Math.max(prePluggedSlots, spec.shares.length);
  return Array.from({ length: slots }, (_, index) => {
    const share: Omit<ShareSpec, 'host'> = spec.shares[index] ?? {
      tag: `share${index}`,
      readOnly: true,
      driver: '9p',
    };
    // By its descriptor: a guest may make another directory of the name at any moment.
    const path =
      index < spec.shares.length ? `/proc/self/fd/${shareDescriptor + index}` : files.empty;
    if (isServed(share)) {
      return [
        '-chardev',
        `socket,id=${share.tag},path=${escapeOption(files.virtiofs(share.tag))}`,
        ...device('vhost-user-fs-pci', 8 + index, { chardev: share.tag, tag: share.tag }),
      ];
    }
    // security_model=none is the only one that is right on both sides (docs/lab.md).
    return [
      '-fsdev',
      `local,id=${share.tag},path=${escapeOption(path)},security_model=none,multidevs=remap,readonly=${share.readOnly ? 'on' : 'off'}`,
      ...device('virtio-9p-pci', 8 + index, { fsdev: share.tag, mount_tag: share.tag }),
    ];
  }).flat();
}
