import type { MachineSpec } from '../../core/driver.ts';
import { CloneboxError, isCloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import type { DaemonOptions, FedDaemon, ProcessRef } from '../../core/process.ts';
import { copyMemory, findMemory } from './guest-memory.ts';
import { unsealState } from './kept-state.ts';
import { stateDescriptor } from './layout.ts';
import type { Machine } from './process.ts';
import type { Qmp } from './qmp.ts';

type Resume = NonNullable<MachineSpec['resume']>;

/**
 * Refuses a kept memory that QEMU would not notice to be wrong: it would fill up a RAM file that was cut, in its place.
 * `hypervisor-failed` with `facts.resume`.
 */
export async function checkKept({ host }: Machine, spec: MachineSpec): Promise<void> {
  const { resume } = spec;
  if (resume === undefined) return;
  const size = (await host.files.facts(resume.ram))?.size;
  if (size !== spec.memory)
    throw cannotResume(`the kept RAM has ${size ?? 'no'} bytes, not ${spec.memory}`);
  if (resume.mode === 'shared' && spec.shares.some(({ driver }) => driver === 'virtiofs'))
    throw cannotResume('virtiofs needs a machine that has its memory for itself');
}

/** A QEMU that was started, and how it gets to run once it answers. */
export interface Waking {
  readonly process: ProcessRef;
  /** Returns when the guest runs, or would but for being started paused. QEMU that cannot go on ends, and closes its control socket. */
  wake(qmp: Qmp): Promise<void>;
}

/**
 * Starts a QEMU that waits to be told to go on, and meanwhile puts the RAM into its place. When this process dies in
 * between, QEMU waits on until it is found (`starting`); when it dies while QEMU loads, QEMU ends.
 */
export async function startResumed(
  machine: Machine,
  argv: readonly string[],
  { resume, options, io }: { resume: Resume; options: DaemonOptions; io: Io },
): Promise<Waking> {
  const { host } = machine;
  const sealed = await host.files.readBytes(resume.state);
  if (sealed === undefined) throw cannotResume('the kept state is missing');
  const state = unsealState(sealed);
  if (state === undefined) throw cannotResume('the kept state is damaged');
  const daemon = await host.startFedDaemon(argv, options);
  if (resume.mode === 'own') await fillMemory(machine, { daemon, ram: resume.ram, io });
  return {
    process: daemon.process,
    wake: async (qmp) => {
      const capabilities = [{ capability: 'x-ignore-shared', state: true }];
      await qmp.execute('migrate-set-capabilities', { capabilities });
      await qmp.execute('migrate-incoming', { uri: `fd:${stateDescriptor}` });
      await daemon.feed(state);
      for (;;) {
        const { status } = await qmp.execute('query-status');
        // Paused: it was started to be looked at first.
        if (status === 'running' || status === 'paused') return;
        if (status !== 'inmigrate') throw cannotResume(`QEMU says "${status}"`);
        await host.sleep(5, io.signal);
      }
    },
  };
}

/** While QEMU makes its devices: it touches no RAM before it has its state. */
async function fillMemory(
  { host }: Machine,
  { daemon, ram, io }: { daemon: FedDaemon; ram: string; io: Io },
): Promise<void> {
  while (await host.isAlive(daemon.process)) {
    const path = await findMemory(host, daemon.process);
    if (path !== undefined) return copyMemory(host, { from: ram, to: path, io });
    await host.sleep(2, io.signal);
  }
}

/** Why a kept memory cannot be gone on from: the caller may boot instead. */
export function cannotResume(why: string, output = ''): CloneboxError {
  return new CloneboxError(
    'hypervisor-failed',
    `the machine cannot go on from its memory: ${why}`,
    {
      hint: 'It can be booted.',
      facts: { resume: true, output },
    },
  );
}

/** What went wrong with a machine that was to go on, so that the caller can tell it from what a boot cannot do either. */
export function explainResume(error: unknown): unknown {
  if (!isCloneboxError(error, 'hypervisor-failed') || error.facts.resume === true) return error;
  return cannotResume(error.message, String(error.facts.output ?? ''));
}
