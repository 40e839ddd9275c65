import type { AccelChoice, MachineSpec, NetworkChoice, Started } from '../../core/driver.ts';
import { CloneboxError, isCloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import type { DaemonOptions, ProcessRef } from '../../core/process.ts';
import type { ProjectTree } from '../../core/project-tree.ts';
import { checkSocketPath } from '../../host/sockets.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { chooseAccel } from './accel.ts';
import { currentLayout, machineArguments, shareDescriptor, shareSlots } from './layout.ts';
import { chooseNetwork, startPasst } from './network.ts';
import { qemuProgram } from './preflight.ts';
import { clearRuntime, findQemu, type Machine, readState, withQmp } from './process.ts';
import type { Qmp } from './qmp.ts';
import { checkKept, explainResume, startResumed, type Waking } from './resume.ts';
import { readRun, writeRun } from './run-file.ts';
import { withShareTrees } from './share-trees.ts';
import { checkVirtiofsd, findVirtiofsd, isServed, startVirtiofsd } from './virtiofs.ts';

/** Longer than QEMU takes to make its devices on a machine under heavy load, in milliseconds. */
const startTimeout = 120_000;

/**
 * Starts QEMU and its helpers and waits until its control socket answers. A running machine is left as it is; on failure
 * every process is ended and the runtime directory removed. `conflict` with `facts.ports` when a port was taken.
 */
export async function startMachine(machine: Machine, spec: MachineSpec, io: Io): Promise<Started> {
  const { host, files } = machine;
  const process = await findQemu(host, files);
  if (process !== undefined && !(await isStuck(machine, io)))
    return { ...(await readRun(machine)), process };
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
  for (const socket of [files.passtSocket, files.virtiofs('share0')]) checkSocketPath(socket);
  const program = await host.require(qemuProgram(host));
  const accel = await chooseAccel(host, spec.accel);
  const network = await chooseNetwork(host, spec.network.egress);
  await checkKept(machine, spec);
  return withShareTrees(host, spec.shares, (trees) =>
    launch(machine, spec, { program, accel, network, trees, io }),
  );
}

interface Launch {
  readonly program: string;
  readonly accel: AccelChoice;
  readonly network: NetworkChoice;
  /** The directories of the shares, in their order. */
  readonly trees: readonly ProjectTree[];
  readonly io: Io;
}

async function launch(
  machine: Machine,
  spec: MachineSpec,
  { program, accel, network, trees, io }: Launch,
): Promise<Started> {
  const { host, files } = machine;
  await clearRuntime(host, files, io.signal);
  await host.files.makeDirectory(files.empty);
  try {
    if (network.backend === 'passt') {
      await startPasst(machine, spec.network, io);
    }
    await startShares(machine, spec, io);
    // QEMU appends to it, and would make it readable by all.
    if ((await host.files.facts(spec.serialLog)) === undefined)
      await host.files.writeNew(spec.serialLog, '');
    const argv = [program, ...machineArguments(spec, files, { accel, network })];
    const run = {
      ...{ accel, network, shareDriver: spec.shares[0]?.driver },
      resumed: spec.resume?.mode,
    };
    await writeRun(machine, run);
    const qemu = await startQemu(machine, argv, { spec, trees, io });
    return { process: await waitForQemu(machine, { spec, qemu, io }), ...run };
  } catch (error) {
    await clearRuntime(host, files, AbortSignal.timeout(20_000));
    throw spec.resume ? explainResume(error) : error;
  }
}

/** A start that was cut off before its machine went on from its memory left a QEMU that waits for ever. */
async function isStuck({ host, files }: Machine, io: Io): Promise<boolean> {
  return (await readState(host, files, io.signal)).kind === 'starting';
}

async function startQemu(
  machine: Machine,
  argv: readonly string[],
  { spec, trees, io }: { spec: MachineSpec; trees: readonly ProjectTree[]; io: Io },
): Promise<Waking> {
  const { resume, shares } = spec;
  const own = trees.map(({ descriptor }, index) =>
    shares[index]?.driver === '9p' ? descriptor : undefined,
  );
  const options = { logFile: machine.files.log, inherit: { from: shareDescriptor, own } };
  const started =
    resume === undefined
      ? await startPlain(machine, argv, options)
      : await startResumed(machine, argv, { resume, options, io });
  if (!shares.some(isServed)) return started;
  const wake = async (qmp: Qmp) => {
    await started.wake(qmp);
    for (const [index, share] of shares.entries()) {
      const tree = trees[index];
      const { host, files } = machine;
      if (isServed(share) && tree) await checkVirtiofsd(host, { share, tree, files, io });
    }
    await qmp.execute('cont');
  };
  return { ...started, wake };
}

async function startPlain(
  { host }: Machine,
  argv: readonly string[],
  options: DaemonOptions,
): Promise<Waking> {
  const process = await host.startDaemon(argv, options);
  return { process, wake: async (qmp) => void (await qmp.execute('query-status')) };
}

async function startShares(machine: Machine, spec: MachineSpec, io: Io): Promise<void> {
  const { host, files } = machine;
  const shares = spec.shares.filter(isServed);
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

/**
 * Ready means: the control socket answers, and a machine that goes on from its memory runs. When QEMU ends first, its own
 * words become the error.
 */
async function waitForQemu(
  machine: Machine,
  { spec, qemu, io }: { spec: MachineSpec; qemu: Waking; io: Io },
): Promise<ProcessRef> {
  const { host, files } = machine;
  const limited = withDeadline(io, startTimeout, () => silent(spec));
  try {
    for (;;) {
      const listens = (await host.files.facts(files.qmp)) !== undefined;
      if (listens && (await answers(machine, qemu, limited))) {
        const process = await findQemu(host, files);
        if (process !== undefined) return process;
      }
      if (!(await host.isAlive(qemu.process))) throw await startFailure(machine, spec);
      await host.sleep(10, limited.signal);
    }
  } finally {
    limited.dispose();
  }
}

/** QEMU opens its control socket before its devices: it may still end with an error, and closes the socket then. */
async function answers({ host, files }: Machine, qemu: Waking, io: Io): Promise<boolean> {
  try {
    const ready = await withQmp(host, files, {
      signal: io.signal,
      timeout: startTimeout,
      use: async (qmp) => {
        await qemu.wake(qmp);
        return true;
      },
    });
    return ready === true;
  } catch (error) {
    io.signal.throwIfAborted();
    if (!isCloneboxError(error, 'hypervisor-failed') || error.facts.resume === true) throw error;
    io.log.debug('qemu.start.unanswered', { reason: error.message });
    return false;
  }
}

function silent(spec: MachineSpec): CloneboxError {
  return new CloneboxError(
    'hypervisor-failed',
    `QEMU runs for ${spec.name}, but its control socket has not answered for ${startTimeout / 1000} s`,
    { hint: 'Look at the load of this machine, then try again.' },
  );
}

async function startFailure(machine: Machine, spec: MachineSpec): Promise<CloneboxError> {
  const { host, files } = machine;
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
