import { CloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import { balloonDriver, balloonId, balloonPort } from './layout.ts';
import { findQemu, type Machine, withQmp } from './process.ts';
import type { Qmp } from './qmp.ts';
import { readRun } from './run-file.ts';

/** Milliseconds that a QEMU under load may take to answer. */
const patience = 30_000;

/** The block node below the seed medium once that is gone. */
const nothing = 'no-seed';

/** `Driver.settle` of core/driver.ts. Fails with `hypervisor-failed` when QEMU does not answer. */
export async function settle(machine: Machine, io: Io): Promise<void> {
  const { host, files } = machine;
  if ((await findQemu(host, files)) === undefined) return;
  const { resumed } = await readRun(machine);
  const settled = await withQmp(host, files, {
    signal: io.signal,
    timeout: patience,
    use: async (qmp) => {
      await ejectSeed(qmp);
      if (resumed === 'own') await plugBalloon(qmp);
      return true;
    },
  });
  if (settled || (await findQemu(host, files)) === undefined) return;
  throw new CloneboxError('hypervisor-failed', `QEMU did not answer within ${patience / 1000} s`, {
    hint: 'Look at the load of this machine, then try again.',
  });
}

/**
 * QEMU closes the file of the seed medium, and the guest reads zeroes there until it stops. The device itself stays, since
 * what is plugged into pcie.0 cannot be unplugged.
 */
async function ejectSeed(qmp: Qmp): Promise<void> {
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  const seed = nodes.find((node) => node['node-name'] === 'seed');
  if (seed?.image === undefined || nodes.some((node) => node['node-name'] === nothing)) return;
  // Without read-zeroes the guest would read what QEMU's memory happens to hold.
  const empty = { driver: 'null-co', 'read-zeroes': true, size: seed.image['virtual-size'] };
  await qmp.execute('blockdev-add', { ...empty, 'node-name': nothing, 'read-only': true });
  await qmp.execute('blockdev-reopen', {
    options: [{ driver: 'raw', 'node-name': 'seed', 'read-only': true, file: nothing }],
  });
}

/**
 * A memory is kept without this device, for those who share it: what a guest gives back would be holes in the kept file.
 * A machine that has its memory for itself may give it back.
 */
async function plugBalloon(qmp: Qmp): Promise<void> {
  if (await hasBalloon(qmp)) return;
  const device = { driver: balloonDriver, id: balloonId, bus: balloonPort };
  await qmp.execute('device_add', { ...device, 'free-page-reporting': true });
}

/** Whether it was plugged into a running machine. */
export async function hasBalloon(qmp: Qmp): Promise<boolean> {
  const devices = await qmp.execute('qom-list', { path: '/machine/peripheral' });
  return devices.some(({ name }) => name === balloonId);
}
