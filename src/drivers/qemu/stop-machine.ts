import { reasonOf } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import { clearRuntime, findQemu, type Machine, withQmp } from './process.ts';

/** Stops a machine: asks, waits `grace` milliseconds, then forces. Ends its helpers and removes its runtime directory. */
export async function stopMachine(
  machine: Machine,
  io: Io,
  grace: number,
): Promise<'graceful' | 'forced' | 'was-stopped'> {
  const { host, files } = machine;
  const process = await findQemu(host, files);
  if (process === undefined) {
    await clearRuntime(host, files, io.signal);
    return 'was-stopped';
  }
  const gone = async (milliseconds: number): Promise<boolean> => {
    const end = host.now() + milliseconds;
    while (await host.isAlive(process)) {
      if (host.now() >= end) return false;
      await host.sleep(50, io.signal);
    }
    return true;
  };
  const pressPowerButton = async () => {
    try {
      await withQmp(host, files, {
        signal: io.signal,
        timeout: 3000,
        use: (qmp) => qmp.execute('system_powerdown'),
      });
    } catch (error) {
      io.signal.throwIfAborted();
      io.log.debug('qemu.stop.unanswered', { reason: reasonOf(error) });
    }
  };
  let how: 'graceful' | 'forced' = 'forced';
  if (grace > 0) {
    await pressPowerButton();
    if (await gone(grace)) how = 'graceful';
  }
  if (how === 'forced') {
    // SIGTERM makes QEMU end in order, and needs no control socket, which somebody else may hold.
    await host.kill(process, 'SIGTERM');
    if (!(await gone(3000))) await host.kill(process, 'SIGKILL');
  }
  await clearRuntime(host, files, io.signal);
  return how;
}
