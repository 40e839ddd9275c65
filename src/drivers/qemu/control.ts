import { CloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import { findQemu, type Machine, withQmp } from './process.ts';
import type { Qmp } from './qmp.ts';

/** Milliseconds that a QEMU under load may take to answer. */
const patience = 30_000;

/** Tells a running QEMU something; one that does not run needs nothing. Fails with `hypervisor-failed` when it is silent. */
export async function control(
  machine: Machine,
  io: Io,
  act: (qmp: Qmp) => Promise<void>,
): Promise<void> {
  const { host, files } = machine;
  if ((await findQemu(host, files)) === undefined) return;
  const use = (qmp: Qmp) => act(qmp).then(() => true);
  if (await withQmp(host, files, { signal: io.signal, timeout: patience, use })) return;
  if ((await findQemu(host, files)) === undefined) return;
  throw new CloneboxError('hypervisor-failed', `QEMU did not answer within ${patience / 1000} s`, {
    hint: 'Look at the load of this machine, then try again.',
  });
}
