import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';

/** Whether Linux loads programs at random addresses (its admin-guide/sysctl/kernel). */
const switchFile = '/proc/sys/kernel/randomize_va_space';

/**
 * Runs `action` while each program is loaded where it was the last time, then puts back what was set: QEMU's emulator
 * translates the code of a program once then, and not at each start. For CloneBox's own programs that end before `action`
 * does; what goes on running would be easier to attack. When `action` fails nothing is put back: the machine is not used.
 */
export async function atFixedAddresses<T>(
  guest: Guest,
  io: Io,
  action: () => Promise<T>,
): Promise<T> {
  const before = await guest.readFile(switchFile, io);
  if (before === undefined) return action();
  await guest.writeFile(switchFile, '0', io);
  const result = await action();
  await guest.writeFile(switchFile, before, io);
  return result;
}
