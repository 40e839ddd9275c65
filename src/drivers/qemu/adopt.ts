import type { MachineSpec, Started } from '../../core/driver.ts';
import { CloneboxError, isCloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import { isSame } from '../../core/project-tree.ts';
import { addUser, endPasst, removeUplink, takenPorts } from './close-network.ts';
import { chooseNetwork, hubPort, startPasst, uplinks } from './network.ts';
import { clearRuntime, findQemu, type Machine, withQmp } from './process.ts';
import type { Qmp } from './qmp.ts';
import { readRun, writeRun } from './run-file.ts';

/** `Driver.memory.adopt` of core/driver.ts: `from` is where the machine runs by now, `to` where it will be found. */
export async function adopt(
  { from, to }: { from: Machine; to: Machine },
  spec: MachineSpec,
  io: Io,
): Promise<Started> {
  const { host, files } = to;
  if ((await findQemu(host, files)) === undefined) await move({ from, to }, io);
  const process = await findQemu(host, files);
  if (process === undefined) throw gone();
  const network = await chooseNetwork(host, spec.network.egress);
  const outcome = await withQmp(host, files, {
    signal: io.signal,
    timeout: 60_000,
    use: async (qmp) => {
      await qmp.execute('cont');
      // What an earlier attempt got done before it failed.
      await removeUplink(qmp, uplinks.open);
      await endPasst(to, process, io);
      const added = await addUplink(qmp, to, { spec, backend: network.backend, io });
      // passt knows a guest by its first frame, and loses what comes in to it before.
      await qmp.execute('announce-self', { initial: 50, max: 50, rounds: 1, step: 50 });
      return added;
    },
  });
  if (outcome === undefined) throw gone();
  if (outcome !== 'added') throw takenPorts(outcome);
  const run = { ...(await readRun(to)), network };
  await writeRun(to, run);
  return { ...run, process };
}

/** `Driver.memory.hold` of core/driver.ts. */
export async function hold({ host, files }: Machine, io: Io): Promise<void> {
  const held = await withQmp(host, files, {
    signal: io.signal,
    timeout: 60_000,
    use: async (qmp) => {
      await qmp.execute('stop');
      return true;
    },
  });
  if (held === undefined) throw gone();
}

/** QEMU goes on with its sockets wherever their directory is; its arguments tell where that was. */
async function move({ from, to }: { from: Machine; to: Machine }, io: Io): Promise<void> {
  const { host } = from;
  if ((await findQemu(host, from.files)) === undefined) throw gone();
  // Of an earlier machine of this name.
  await clearRuntime(host, to.files, io.signal);
  await host.files.writeAtomic(from.files.origin, from.files.directory);
  await host.files.rename(from.files.directory, to.files.directory);
}

/**
 * `Driver.memory.holds` of core/driver.ts. QEMU opens what it shares when it is started: a directory that was removed since
 * and made anew is another one.
 */
export async function holds(
  { host, files }: Machine,
  directories: readonly string[],
): Promise<boolean> {
  const process = await findQemu(host, files);
  if (process === undefined) return false;
  const fds = `/proc/${process.pid}/fd`;
  const names = await host.files.list(fds);
  const held = await Promise.all(names.map((name) => host.files.identity(`${fds}/${name}`)));
  for (const directory of directories) {
    const opened = await host.openTree(directory);
    if (opened.kind !== 'tree') return false;
    await opened.tree.close();
    const { identity } = opened.tree;
    if (!held.some((one) => one && isSame(one, identity))) return false;
  }
  return true;
}

async function addUplink(
  qmp: Qmp,
  machine: Machine,
  { spec, backend, io }: { spec: MachineSpec; backend: string; io: Io },
): Promise<'added' | readonly number[]> {
  const id = uplinks.open;
  if (backend !== 'passt') return addUser(qmp, machine, { spec: spec.network, id, io });
  try {
    await startPasst(machine, spec.network, io);
  } catch (error) {
    // Told apart from a control socket that somebody else has.
    if (!isCloneboxError(error, 'conflict')) throw error;
    return error.facts.ports as readonly number[];
  }
  const addr = { type: 'unix', path: machine.files.passtSocket };
  await qmp.execute('netdev_add', { type: 'stream', id, server: false, addr });
  await qmp.execute('netdev_add', { type: 'hubport', id: hubPort(id), hubid: 0, netdev: id });
  return 'added';
}

function gone(): CloneboxError {
  return new CloneboxError('hypervisor-failed', 'the machine of the pool does not run any more');
}
