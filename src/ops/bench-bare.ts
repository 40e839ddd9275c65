import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Image } from '../core/image.ts';
import { until } from '../lib/until.ts';

/**
 * Seconds from the start of a QEMU that nobody wrapped to the first answer of the guest's agent: the least any tool on
 * this host could need for this image. A new overlay each time; nothing is left.
 */
export async function bareBoot(
  ctx: Ctx,
  image: Image,
  machine: { cpus: number; memory: number; directory: string },
): Promise<number> {
  if (image.boot.kind !== 'direct') {
    throw new CloneboxError(
      'usage',
      `the bare boot needs an image with a kernel of its own, and ${image.reference} has none`,
    );
  }
  const driver = await ctx.driver('qemu');
  const { accel } = await driver.preflight(ctx.io);
  const disk = `${machine.directory}/bare.qcow2`;
  const agent = `${ctx.store.paths.runtime}/bare`;
  await ctx.host.files.makeDirectory(ctx.store.paths.runtime);
  await ctx.host.files.remove(disk);
  await ctx.host.files.remove(agent);
  const started = ctx.host.now();
  await driver.create({ path: disk, base: image.disk, size: 20 * 1024 ** 3 }, ctx.io);
  const process = await ctx.host.startDaemon(
    [
      await ctx.host.require('qemu-system-x86_64'),
      ...['-nodefaults', '-display', 'none', '-machine', 'q35'],
      ...(accel.accel === 'kvm'
        ? ['-accel', 'kvm', '-cpu', 'host']
        : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
      ...['-smp', String(machine.cpus), '-m', `${machine.memory / 1024 / 1024}M`],
      ...[
        '-kernel',
        image.boot.kernel,
        '-initrd',
        image.boot.initrd,
        '-append',
        image.boot.commandLine,
      ],
      ...['-drive', `file=${disk},if=virtio,format=qcow2`],
      ...['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0'],
      ...[
        '-device',
        'virtio-serial-pci',
        '-chardev',
        `socket,id=a,path=${agent},server=on,wait=off`,
      ],
      ...['-device', 'virtserialport,chardev=a,name=org.qemu.guest_agent.0'],
    ],
    { logFile: `${machine.directory}/bare.log` },
  );
  try {
    const pause = { interval: 20, io: ctx.io, sleep: ctx.host.sleep };
    const socket = await until(async () => ctx.host.connect(agent).catch(() => undefined), pause);
    socket.send(JSON.stringify({ execute: 'guest-sync', arguments: { id: 1 } }));
    if ((await socket.receive(ctx.io.signal)) === undefined)
      throw new CloneboxError('hypervisor-failed', 'the bare boot ended early');
    socket.close();
    return (ctx.host.now() - started) / 1000;
  } finally {
    await ctx.host.kill(process, 'SIGKILL');
    await until(async () => !(await ctx.host.isAlive(process)), {
      interval: 20,
      io: ctx.io,
      sleep: ctx.host.sleep,
    });
    await ctx.host.files.remove(disk);
  }
}
