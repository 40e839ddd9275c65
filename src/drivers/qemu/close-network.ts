import type { NetworkSpec, Started } from '../../core/driver.ts';
import { CloneboxError, isCloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import type { ProcessRef } from '../../core/process.ts';
import { closedNetwork, hostForwards, hubPort, nicPort, uplinks } from './network.ts';
import { findQemu, type Machine, withQmp } from './process.ts';
import type { Qmp } from './qmp.ts';
import { readRun, writeRun } from './run-file.ts';

/** Milliseconds passt has to end by itself once QEMU has left it. */
const passtGrace = 2000;

/** How often a port is tried that passt may still hold, and how long it is waited in between, in milliseconds. */
const portTries = 20;
const portPause = 100;

/**
 * Takes the open uplink out of the hub of a running machine, then puts a closed one in: in between the guest is on no
 * network at all, so what fails leaves it closed. `conflict` with `facts.ports` when a port was taken meanwhile.
 */
export async function closeNetwork(machine: Machine, spec: NetworkSpec, io: Io): Promise<Started> {
  const process = await findQemu(machine.host, machine.files);
  if (process === undefined) throw notThere('QEMU does not run');
  const run = await readRun(machine);
  if (run.network.egress === 'closed') return { ...run, process };
  if (!(await isClosable(machine, process)))
    throw notThere('the machine was started with a network that stays open');
  const outcome = await withQmp(machine.host, machine.files, {
    signal: io.signal,
    timeout: 60_000,
    use: async (qmp) => {
      // Also what an earlier attempt got done before it failed.
      for (const uplink of [uplinks.open, uplinks.closed]) await removeUplink(qmp, uplink);
      await endPasst(machine, process, io);
      return addUser(qmp, machine, { spec, id: uplinks.closed, io });
    },
  });
  if (outcome === undefined) throw notThere('QEMU does not answer');
  if (outcome !== 'added') throw takenPorts(outcome);
  const closed = { ...run, network: closedNetwork };
  await writeRun(machine, closed);
  return { ...closed, process };
}

/** As its command line has it: where the NIC is not on a hub, another uplink would close nothing. */
async function isClosable({ host }: Machine, { pid }: ProcessRef): Promise<boolean> {
  const commandLine = (await host.files.readText(`/proc/${pid}/cmdline`)) ?? '';
  return commandLine.split('\0').includes(nicPort);
}

function notThere(why: string): CloneboxError {
  return new CloneboxError('hypervisor-failed', `the network cannot be closed: ${why}`);
}

/** Takes an uplink out of the hub; one that is not there is no error. */
export async function removeUplink(qmp: Qmp, uplink: string): Promise<void> {
  for (const id of [hubPort(uplink), uplink]) {
    try {
      await qmp.execute('netdev_del', { id });
    } catch (error) {
      if (!isCloneboxError(error) || error.facts.class !== 'DeviceNotFound') throw error;
    }
  }
}

/** passt ends when QEMU leaves it (`--one-off`); it holds the ports of the forwards until then. */
export async function endPasst({ host, files }: Machine, qemu: ProcessRef, io: Io): Promise<void> {
  const patience = host.now() + passtGrace;
  for (;;) {
    const found = await host.processesMentioning(files.passtSocket);
    const left = found.filter(({ pid }) => pid !== qemu.pid);
    if (left.length === 0) return;
    if (host.now() > patience) for (const process of left) await host.kill(process, 'SIGKILL');
    await host.sleep(20, io.signal);
  }
}

/** Puts a network of QEMU's own into the hub. Returns the ports that somebody else has, if that is why it cannot. */
export async function addUser(
  qmp: Qmp,
  { host }: Machine,
  { spec, id, io }: { spec: NetworkSpec; id: (typeof uplinks)[keyof typeof uplinks]; io: Io },
): Promise<'added' | readonly number[]> {
  const restrict = id === uplinks.closed;
  const hostfwd = hostForwards(spec).map((str) => ({ str }));
  for (let left = portTries; ; left--) {
    try {
      await qmp.execute('netdev_add', { type: 'user', id, ipv6: false, restrict, hostfwd });
      break;
    } catch (error) {
      const taken = [];
      for (const forward of spec.forwards)
        if (!(await host.canBind(forward.host))) taken.push(forward.host);
      if (taken.length === 0) throw error;
      if (left === 0) return taken;
      await host.sleep(portPause, io.signal);
    }
  }
  await qmp.execute('netdev_add', { type: 'hubport', id: hubPort(id), hubid: 0, netdev: id });
  return 'added';
}

export function takenPorts(ports: readonly number[]): CloneboxError {
  return new CloneboxError('conflict', `a port was taken meanwhile: ${ports.join(', ')}`, {
    hint: 'Try again: another port is taken then.',
    facts: { ports },
  });
}
