import * as z from 'zod';
import type {
  Channels,
  Driver,
  MachineSpec,
  MachineState,
  MachineUsage,
  Started,
} from '../../core/driver.ts';
import { CloneboxError, reasonOf } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { VmName } from '../../core/name.ts';
import type { Paths } from '../../core/store.ts';
import { chooseAccel } from './accel.ts';
import { createDisk, growDisk, measureDisk } from './disk.ts';
import {
  currentLayout,
  machineArguments,
  type RuntimeFiles,
  runtimeFiles,
  shareSlots,
} from './layout.ts';
import { chooseNetwork, startPasst } from './network.ts';
import { preflight, qemuProgram } from './preflight.ts';
import { clearRuntime, findQemu, readState, withQmp } from './process.ts';
import { findVirtiofsd, startVirtiofsd } from './virtiofs.ts';

/** What a running machine was started with; lives and dies with its runtime directory. */
const Run = z.object({
  accel: z.object({ accel: z.enum(['kvm', 'tcg']), reason: z.string() }),
  network: z.object({ backend: z.string(), hostIsolated: z.boolean(), reason: z.string() }),
  shareDriver: z.enum(['9p', 'virtiofs']).optional(),
});

/** QEMU by itself: no daemon, no root, one process per machine and passt and virtiofsd beside it. */
export function createQemuDriver(deps: { host: Host; paths: Paths }): Driver {
  const { host, paths } = deps;
  const filesOf = (name: VmName): RuntimeFiles => runtimeFiles(paths.runtimeOf(name));
  return {
    name: 'qemu',
    preflight: (io) => preflight(host, io),
    create: (disk, io) => createDisk(host, disk, io),
    grow: (path, size, io) => growDisk(host, { path, size }, io),
    measure: (path, io) => measureDisk(host, path, io),
    start: (spec, io) => start(host, filesOf(spec.name), spec, io),
    stop: (name, io, options) => stop(host, filesOf(name), io, options.grace),
    remove: (name, io) => clearRuntime(host, filesOf(name), io.signal),
    inspect: (name, io) => inspect(host, paths, name, io),
    running: (name) => readRun(host, filesOf(name)),
    usage: (name) => readUsage(host, filesOf(name)),
    channels: (name): Channels => {
      const files = filesOf(name);
      return { agent: files.agent, console: files.console };
    },
  };
}

async function start(host: Host, files: RuntimeFiles, spec: MachineSpec, io: Io): Promise<Started> {
  const process = await findQemu(host, files);
  if (process !== undefined) return { ...(await runOrUnknown(host, files)), process };
  if (spec.layout > currentLayout) {
    throw new CloneboxError(
      'conflict',
      `${spec.name} was made by a newer CloneBox (device layout ${spec.layout})`,
      {
        hint: 'Upgrade CloneBox on this machine.',
      },
    );
  }
  if (spec.shares.length > shareSlots) {
    throw new CloneboxError(
      'config-invalid',
      `${spec.shares.length} live shares, and a machine has ${shareSlots} slots`,
      {
        hint: 'Share a common parent directory, or make some of them mode: copy.',
      },
    );
  }
  const program = await host.require(qemuProgram(host));
  const accel = await chooseAccel(host, spec.accel);
  const network = await chooseNetwork(host);
  await clearRuntime(host, files, io.signal);
  await host.files.makeDirectory(files.empty);
  try {
    if (network.backend === 'passt') {
      await startPasst(
        host,
        spec.network,
        { socket: files.passtSocket, pid: files.passtPid, log: files.passtLog },
        io,
      );
    }
    await startShares(host, files, spec, io);
    await host.startDaemon([program, ...machineArguments(spec, files, { accel, network })], {
      logFile: files.log,
    });
    const shareDriver = spec.shares[0]?.driver;
    await host.files.writeAtomic(files.run, JSON.stringify({ accel, network, shareDriver }));
    return { process: await waitForQemu(host, files, spec, io), accel, network, shareDriver };
  } catch (error) {
    await clearRuntime(host, files, AbortSignal.timeout(20_000));
    throw error;
  }
}

async function startShares(
  host: Host,
  files: RuntimeFiles,
  spec: MachineSpec,
  io: Io,
): Promise<void> {
  const shares = spec.shares.filter((share) => share.driver === 'virtiofs');
  if (shares.length === 0) return;
  const choice = await findVirtiofsd(host, io);
  if (choice === undefined) {
    throw new CloneboxError(
      'host-unable',
      'there is no virtiofsd on this machine that this user can run',
      {
        hint: 'Install virtiofsd, or use vm.share_driver: 9p.',
      },
    );
  }
  for (const share of shares) {
    if (share.readOnly && choice.flavour === 'c') {
      throw new CloneboxError(
        'host-unable',
        `this virtiofsd cannot enforce a read-only share (${share.host})`,
        {
          hint: 'Use vm.share_driver: 9p, or a newer virtiofsd.',
        },
      );
    }
    await startVirtiofsd(host, choice, { share, files, io });
  }
}

/** Ready means: the control socket answers. When QEMU ends first, its own words become the error. */
async function waitForQemu(
  host: Host,
  files: RuntimeFiles,
  spec: MachineSpec,
  io: Io,
): Promise<Started['process']> {
  for (;;) {
    const process = await findQemu(host, files);
    if (process !== undefined) {
      const version = await withQmp(host, files, {
        signal: io.signal,
        timeout: 10_000,
        use: (qmp) => qmp.execute('query-version'),
      });
      if (version !== undefined) return process;
    }
    if ((await host.processesMentioning(files.pid)).length === 0)
      throw await startFailure(host, files, spec);
    await host.sleep(20, io.signal);
  }
}

async function startFailure(
  host: Host,
  files: RuntimeFiles,
  spec: MachineSpec,
): Promise<CloneboxError> {
  const output = (await host.files.readTail(files.log, 2000)).trim();
  const lastLine = output.split('\n').at(-1) ?? '';
  for (const forward of spec.network.forwards) {
    if (
      /hostfwd|Could not set up host forwarding/i.test(output) &&
      !(await host.canBind(forward.host))
    ) {
      return new CloneboxError('conflict', `port ${forward.host} was taken meanwhile`, {
        facts: { ports: [forward.host] },
      });
    }
  }
  const full = /no space left/i.test(output);
  return new CloneboxError(
    full ? 'host-unable' : 'hypervisor-failed',
    `QEMU did not start: ${lastLine || 'it said nothing'}`,
    {
      hint: full
        ? 'Free some space, then try again.'
        : 'clonebox doctor checks this host; CLONEBOX_ACCEL=tcg does without KVM.',
      facts: { output },
    },
  );
}

async function stop(
  host: Host,
  files: RuntimeFiles,
  io: Io,
  grace: number,
): Promise<'graceful' | 'forced' | 'was-stopped'> {
  const process = await findQemu(host, files);
  if (process === undefined) {
    await clearRuntime(host, files, io.signal);
    return 'was-stopped';
  }
  const gone = async (milliseconds: number): Promise<boolean> => {
    const end = host.now() + milliseconds;
    while (await host.isAlive(process)) {
      if (host.now() >= end) return false;
      await host.sleep(50, io.signal);
    }
    return true;
  };
  const tell = async (command: 'system_powerdown' | 'quit') => {
    try {
      await withQmp(host, files, {
        signal: io.signal,
        timeout: 3000,
        use: (qmp) => qmp.execute(command),
      });
    } catch (error) {
      io.log.debug('qemu.stop.unanswered', { command, reason: reasonOf(error) });
    }
  };
  let how: 'graceful' | 'forced' = 'forced';
  if (grace > 0) {
    await tell('system_powerdown');
    if (await gone(grace)) how = 'graceful';
  }
  if (how === 'forced') {
    await tell('quit');
    if (!(await gone(3000))) await host.kill(process, 'SIGKILL');
  }
  await clearRuntime(host, files, io.signal);
  return how;
}

async function inspect(host: Host, paths: Paths, name: VmName, io: Io): Promise<MachineState> {
  const state = await readState(host, runtimeFiles(paths.runtimeOf(name)), io.signal);
  if (state.kind !== 'stopped') return state;
  const vm = paths.vm(name);
  if ((await host.files.facts(vm.directory)) === undefined) return { kind: 'absent' };
  if ((await host.files.facts(vm.disk)) === undefined)
    return { kind: 'broken', reason: 'its disk is missing' };
  return { kind: 'stopped' };
}

async function readRun(host: Host, files: RuntimeFiles): Promise<Started | undefined> {
  const process = await findQemu(host, files);
  return process === undefined ? undefined : { ...(await runOrUnknown(host, files)), process };
}

async function runOrUnknown(host: Host, files: RuntimeFiles): Promise<Omit<Started, 'process'>> {
  const text = await host.files.readText(files.run);
  const parsed = Run.safeParse(text === undefined ? undefined : safeJson(text));
  const unknown = 'the record of this start is lost';
  return parsed.success
    ? { ...parsed.data, shareDriver: parsed.data.shareDriver }
    : {
        accel: { accel: 'tcg', reason: unknown },
        network: { backend: 'unknown', hostIsolated: false, reason: unknown },
        shareDriver: undefined,
      };
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readUsage(host: Host, files: RuntimeFiles): Promise<MachineUsage> {
  const process = await findQemu(host, files);
  const memory = process && (await host.processMemory(process));
  return { memory: memory && { private: memory.rss - memory.shared, shared: memory.shared } };
}
