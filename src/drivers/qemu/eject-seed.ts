import { CloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import { findQemu, type Machine, withQmp } from './process.ts';

/** Milliseconds that a QEMU under load may take to answer. */
const patience = 30_000;

/** The block node below the seed medium once that is gone. */
const nothing = 'no-seed';

/**
 * Takes the seed medium out of a running machine: QEMU closes its file, and the guest reads zeroes there until it stops.
 * The device itself stays, since what is plugged into pcie.0 cannot be unplugged. May be called again; a machine without
 * a seed, or one that does not run, is left as it is. Fails with `hypervisor-failed` when QEMU does not answer.
 */
export async function ejectSeed(machine: Machine, io: Io): Promise<void> {
  const { host, files } = machine;
  if ((await findQemu(host, files)) === undefined) return;
  const ejected = await withQmp(host, files, {
    signal: io.signal,
    timeout: patience,
    use: async (qmp) => {
      const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
      const seed = nodes.find((node) => node['node-name'] === 'seed');
      if (seed?.image === undefined || nodes.some((node) => node['node-name'] === nothing))
        return true;
      // Without read-zeroes the guest would read what QEMU's memory happens to hold.
      const empty = { driver: 'null-co', 'read-zeroes': true, size: seed.image['virtual-size'] };
      await qmp.execute('blockdev-add', { ...empty, 'node-name': nothing, 'read-only': true });
      await qmp.execute('blockdev-reopen', {
        options: [{ driver: 'raw', 'node-name': 'seed', 'read-only': true, file: nothing }],
      });
      return true;
    },
  });
  if (ejected || (await findQemu(host, files)) === undefined) return;
  throw new CloneboxError(
    'hypervisor-failed',
    `QEMU did not give up the seed medium within ${patience / 1000} s`,
    { hint: 'Look at the load of this machine, then try again.' },
  );
}
