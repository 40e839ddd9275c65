import type { KeptMemory } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Incoming } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { ProcessRef } from '../../core/process.ts';
import { hasBalloon } from './balloon.ts';
import { copyMemory, findMemory } from './guest-memory.ts';
import { sealState } from './kept-state.ts';
import { balloonDriver } from './layout.ts';
import { findQemu, type Machine, withQmp } from './process.ts';
import type { Qmp } from './qmp.ts';

/** Milliseconds that QEMU has to write the state of its devices, which is about 1 MB. */
const stateTimeout = 60_000;

/**
 * Pauses a running machine for good and writes its memory into these files, synced and for this user alone: the device
 * state as QEMU sends it and its digest, the RAM copied sparsely out of its memfd. `conflict` when a file is there, `hypervisor-failed`
 * with QEMU's reason when something blocks it. On failure both files are gone; the machine runs on, or is paused.
 */
export async function keepMemory(machine: Machine, into: KeptMemory, io: Io): Promise<void> {
  const { host, files } = machine;
  const qemu = await findQemu(host, files);
  if (qemu === undefined) throw cannot('QEMU does not run');
  const memory = await keepable(machine, qemu);
  const made: string[] = [];
  try {
    for (const path of [into.state, into.ram]) {
      await host.files.writeNew(path, '');
      made.push(path);
    }
    await keepState(machine, into.state, io);
    // Only now: QEMU writes into the guest's memory until its state is out.
    await host.files.truncate(into.ram, memory.size);
    await copyMemory(host, { from: memory.path, to: into.ram, io });
    await Promise.all([host.files.sync(into.ram), host.files.sync(into.state)]);
  } catch (error) {
    for (const path of made) await host.files.remove(path);
    throw error;
  }
}

async function keepable(
  { host }: Machine,
  qemu: ProcessRef,
): Promise<{ path: string; size: number }> {
  const commandLine = (await host.files.readText(`/proc/${qemu.pid}/cmdline`)) ?? '';
  if (commandLine.includes(balloonDriver)) throw cannot('the machine was not started to be kept');
  const path = await findMemory(host, qemu);
  const file = path === undefined ? undefined : await host.files.open(path);
  if (path === undefined || file === undefined)
    throw cannot('the machine does not have its memory for itself');
  try {
    return { path, size: await file.size() };
  } finally {
    await file.close();
  }
}

function cannot(why: string, facts: Record<string, unknown> = {}): CloneboxError {
  return new CloneboxError('hypervisor-failed', `the memory cannot be kept: ${why}`, { facts });
}

/** QEMU may start no program (`-sandbox spawn=deny`), so its state comes through a socket. */
async function keepState(machine: Machine, path: string, io: Io): Promise<void> {
  const { host, files } = machine;
  const outcome = await withQmp(host, files, {
    signal: io.signal,
    timeout: stateTimeout,
    use: async (qmp) => {
      const reasons = (await qmp.execute('query-migrate'))['blocked-reasons'] ?? [];
      if (await hasBalloon(qmp)) throw cannot('the machine is settled, and gives memory back');
      if (reasons.length > 0) throw cannot(reasons.join('; '), { blocked: reasons });
      const capabilities = [{ capability: 'x-ignore-shared', state: true }];
      await qmp.execute('migrate-set-capabilities', { capabilities });
      await host.files.remove(files.migration);
      const incoming = await host.listenOnce(files.migration);
      try {
        await receiveState(machine, { qmp, incoming, path, io });
      } finally {
        incoming.close();
      }
      return 'kept';
    },
  });
  if (outcome === undefined) throw cannot('QEMU does not answer');
}

/** What is wrong with the file tells more than what QEMU says of its lost listener. */
async function receiveState(
  machine: Machine,
  { qmp, incoming, path, io }: { qmp: Qmp; incoming: Incoming; path: string; io: Io },
): Promise<void> {
  const giveUp = (error: unknown) => {
    incoming.close();
    throw error;
  };
  const [written, sent] = await Promise.allSettled([
    machine.host
      .writeStream(path, sealState(incoming.bytes), { offset: 0, io, onBytes: () => {} })
      .catch(giveUp),
    sendState(machine, qmp, io).catch(giveUp),
  ]);
  if (written.status === 'rejected') throw written.reason;
  if (sent.status === 'rejected') throw sent.reason;
}

/**
 * Without a `stop` before it: QEMU pauses the guest itself at the end, lets it run on if it fails, and writes down that it
 * ran, so that whoever goes on from this needs no command to.
 */
async function sendState({ host, files }: Machine, qmp: Qmp, io: Io): Promise<void> {
  await qmp.execute('migrate', { uri: `unix:${files.migration}` });
  for (;;) {
    const { status, 'error-desc': reason } = await qmp.execute('query-migrate');
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled')
      throw cannot(reason ?? `QEMU gave no reason (${status})`);
    await host.sleep(10, io.signal);
  }
}
