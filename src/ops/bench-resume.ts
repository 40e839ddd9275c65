import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import { bareFiles, connectBare, firstAnswer, inBareDirectory, whileItRuns } from './bench-bare.ts';

/** A machine that went on from a kept memory: how its QEMU was called, and with which files. */
export interface ResumedMachine {
  readonly argv: readonly string[];
  /** The directories of its files, for others to take their place. */
  readonly directories: readonly string[];
  readonly ram: string;
  readonly state: string;
  /** What its disk is an overlay of, in bytes as its guest sees it. */
  readonly base: string;
  readonly size: number;
}

/** Reads from the process of a running clone how the very same machine can be had without CloneBox. */
export async function readResumed(ctx: Ctx, name: VmName): Promise<ResumedMachine> {
  const { host, store } = ctx;
  const record = await store.read(name);
  const running = await (await ctx.driver('qemu')).running(name);
  const template = await ctx.templates.find(record?.template?.key ?? '');
  const warm = template?.warm.find(({ key }) => key === record?.template?.warm);
  if (running === undefined || warm === undefined)
    throw new CloneboxError('bug', `${name} did not go on from a kept memory`);
  const words = (await host.files.readText(`/proc/${running.process.pid}/cmdline`)) ?? '';
  return {
    argv: words.split('\0').slice(0, -1),
    directories: [store.paths.runtimeOf(name), store.paths.vm(name).directory],
    ...warm.memory,
    base: warm.disk,
    size: warm.shape.disk,
  };
}

/**
 * The arguments of a clone's QEMU for another one like it: its files in a directory of its own, its network in QEMU itself,
 * an empty directory for each shared one, and the kept RAM mapped copy-on-write, which is the least work there is.
 */
export function bareArguments(machine: ResumedMachine, directory: string): string[] {
  const moved = machine.argv.map((word) =>
    machine.directories
      .flatMap((path) => [path, path.replaceAll(',', ',,')])
      .reduce((text, path) => text.replaceAll(`${path}/`, `${directory}/`), word),
  );
  return moved.map((word, index) => {
    if (moved[index - 1] === '-netdev') return `user,id=${/\bid=([^,]+)/.exec(word)?.[1]}`;
    // A share comes by a descriptor that nobody hands to this one.
    const unshared = word.replace(/(?<=,path=)\/proc\/self\/fd\/\d+/, `${directory}/empty`);
    if (!word.includes('"memory-backend-memfd"')) return unshared;
    const { id, size } = JSON.parse(word) as { id: string; size: number };
    const file = { 'qom-type': 'memory-backend-file', id, size, 'mem-path': machine.ram };
    return JSON.stringify({ ...file, share: false });
  });
}

/**
 * Seconds from the start of a QEMU that nobody wrapped, which goes on from the memory that clones go on from, to the first
 * answer of its guest's agent. Nothing is left.
 */
export function bareResume(ctx: Ctx, machine: ResumedMachine, number: number): Promise<number> {
  const { host, io } = ctx;
  return inBareDirectory(ctx, number, async (directory) => {
    const { disk, agent, qmp, log } = bareFiles(directory);
    const driver = await ctx.driver('qemu');
    const state = await host.files.readBytes(machine.state);
    await host.files.makeDirectory(`${directory}/empty`);
    const started = host.now();
    await driver.create({ path: disk, base: machine.base, size: machine.size }, io);
    const daemon = await host.startFedDaemon(bareArguments(machine, directory), { logFile: log });
    const { process } = daemon;
    return whileItRuns(ctx, process, async () => {
      const control = await connectBare(ctx, { process, log }, qmp);
      for (const command of goOn) control.send(JSON.stringify(command));
      await daemon.feed(state ?? new Uint8Array());
      await firstAnswer(ctx, { agent, process, log });
      control.close();
      return (host.now() - started) / 1000;
    });
  });
}

/** How QEMU is told to go on from the RAM that is in its place, and from what comes by its descriptor 3. */
const goOn = [
  { execute: 'qmp_capabilities' },
  {
    execute: 'migrate-set-capabilities',
    arguments: { capabilities: [{ capability: 'x-ignore-shared', state: true }] },
  },
  { execute: 'migrate-incoming', arguments: { uri: 'fd:3' } },
];
