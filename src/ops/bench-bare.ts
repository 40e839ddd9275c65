import type { Ctx } from '../core/ctx.ts';
import { emulatedProcessor } from '../core/emulated-processor.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Image } from '../core/image.ts';
import type { ProcessRef } from '../core/process.ts';
import { uninterrupted } from '../core/quiet-io.ts';
import { until } from '../lib/until.ts';

const lookEvery = 20;

/**
 * Seconds from the start of a QEMU that nobody wrapped to the first answer of the guest's agent: the least any tool on
 * this host could need for this image. A new overlay each time; nothing is left.
 */
export async function bareBoot(
  ctx: Ctx,
  image: Image,
  machine: { cpus: number; memory: number; number: number },
): Promise<number> {
  const { boot } = image;
  if (boot.kind !== 'direct') {
    throw new CloneboxError(
      'usage',
      `the bare boot needs an image with a kernel of its own, and ${image.reference} has none`,
    );
  }
  const driver = await ctx.driver('qemu');
  const { accel } = await driver.preflight(ctx.io);
  return inBareDirectory(ctx, machine.number, async (directory) => {
    const { disk, agent, log } = bareFiles(directory);
    const started = ctx.host.now();
    await driver.create({ path: disk, base: image.disk, size: 20 * 1024 ** 3 }, ctx.io);
    const process = await ctx.host.startDaemon(
      [
        await ctx.host.require('qemu-system-x86_64'),
        ...['-nodefaults', '-display', 'none', '-machine', 'q35'],
        ...(accel.accel === 'kvm'
          ? ['-accel', 'kvm', '-cpu', 'host']
          : ['-accel', 'tcg,thread=multi', '-cpu', emulatedProcessor]),
        ...['-smp', String(machine.cpus), '-m', `${machine.memory / 1024 / 1024}M`],
        ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', boot.commandLine],
        ...['-drive', `file=${disk},if=virtio,format=qcow2`],
        ...['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0'],
        ...['-device', 'virtio-serial-pci'],
        ...['-chardev', `socket,id=a,path=${agent},server=on,wait=off`],
        ...['-device', 'virtserialport,chardev=a,name=org.qemu.guest_agent.0'],
      ],
      { logFile: log },
    );
    return whileItRuns(ctx, process, async () => {
      await firstAnswer(ctx, { agent, process, log });
      return (ctx.host.now() - started) / 1000;
    });
  });
}

/** What a bare machine has in its directory. */
export function bareFiles(directory: string) {
  const at = (name: string) => `${directory}/${name}`;
  return { disk: at('disk.qcow2'), agent: at('agent'), qmp: at('qmp'), log: at('qemu.log') };
}

/** Does something with a short path where sockets may be, one for each number; it is gone afterwards. */
export async function inBareDirectory<T>(
  { host, store }: Ctx,
  number: number,
  action: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = `${store.paths.runtime}/bare-${process.pid}-${number}`;
  try {
    await host.files.makeDirectory(directory);
    return await action(directory);
  } finally {
    await host.files.remove(directory);
  }
}

/** Does something, then ends the process, whatever has happened. */
export async function whileItRuns<T>(
  { host, io }: Ctx,
  process: ProcessRef,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } finally {
    await host.kill(process, 'SIGKILL');
    const pause = { interval: lookEvery, io: uninterrupted(io), sleep: host.sleep };
    await until(async () => !(await host.isAlive(process)), pause);
  }
}

/** A bare machine: its process and what it says. */
interface Bare {
  readonly process: ProcessRef;
  readonly log: string;
}

/** Waits until a socket of a bare machine is there. Fails with `hypervisor-failed` when the machine is not any more. */
export function connectBare(ctx: Ctx, machine: Bare, socket: string) {
  const { host, io } = ctx;
  return until(
    async () => {
      const connection = await host.connect(socket).catch(() => undefined);
      if (connection === undefined && !(await host.isAlive(machine.process)))
        throw await endedEarly(ctx, machine);
      return connection;
    },
    { interval: 5, io, sleep: host.sleep },
  );
}

/** Waits until the agent of a guest has answered once. */
export async function firstAnswer(
  ctx: Ctx,
  { agent, ...machine }: Bare & { agent: string },
): Promise<void> {
  const socket = await connectBare(ctx, machine, agent);
  try {
    socket.send(JSON.stringify({ execute: 'guest-sync', arguments: { id: 1 } }));
    if ((await socket.receive(ctx.io.signal)) === undefined) throw await endedEarly(ctx, machine);
  } finally {
    socket.close();
  }
}

async function endedEarly({ host }: Ctx, { log }: Bare): Promise<CloneboxError> {
  const said = await host.files.readTail(log, 2000);
  return new CloneboxError('hypervisor-failed', `the bare machine ended early: ${said}`);
}
