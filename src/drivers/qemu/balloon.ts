import type { Io } from '../../core/io.ts';
import { control } from './control.ts';
import { balloonDriver, balloonId, balloonPort } from './layout.ts';
import type { Machine } from './process.ts';
import type { Qmp } from './qmp.ts';
import { readRun } from './run-file.ts';

/**
 * `Driver.memory.giveBack` of core/driver.ts. A memory is kept without this device, for those who share it: what a guest
 * gives back would be holes in the kept file. A machine that has its memory for itself may give it back.
 */
export async function plugBalloon(machine: Machine, io: Io): Promise<void> {
  await control(machine, io, async (qmp) => {
    const { resumed } = await readRun(machine);
    if (resumed !== 'own' || (await hasBalloon(qmp))) return;
    const device = { driver: balloonDriver, id: balloonId, bus: balloonPort };
    await qmp.execute('device_add', { ...device, 'free-page-reporting': true });
  });
}

/** Whether it was plugged into a running machine. */
export async function hasBalloon(qmp: Qmp): Promise<boolean> {
  const devices = await qmp.execute('qom-list', { path: '/machine/peripheral' });
  return devices.some(({ name }) => name === balloonId);
}
