import type { Ctx } from '../core/ctx.ts';
import { isCloneboxError } from '../core/errors.ts';
import type { HeldLock } from '../core/host.ts';

/** Milliseconds between two looks for a turn. */
const lookEvery = 50;

/**
 * Runs `action` when fewer machines than this host has processors are being started: more at once would make all of them
 * late. Turns are locks, given up by the death of who has one.
 */
export async function inTurn<T>(ctx: Ctx, action: () => Promise<T>): Promise<T> {
  const turn = await takeTurn(ctx);
  try {
    return await action();
  } finally {
    await turn.release();
  }
}

async function takeTurn({ host, store, io }: Ctx): Promise<HeldLock> {
  for (let tries = 0; ; tries++) {
    for (let turn = 0; turn < Math.max(1, host.cpuCount); turn++) {
      try {
        const path = `${store.paths.cache}/locks/start-${turn}.lock`;
        return await host.lock(path, io, { what: 'a turn to start' });
      } catch (error) {
        if (!isCloneboxError(error, 'conflict')) throw error;
      }
    }
    if (tries === 0) {
      const title = `Waiting for a turn: ${host.cpuCount} other machines are being started`;
      io.emit({ kind: 'phase', id: 'turn', title });
    }
    await host.sleep(lookEvery, io.signal);
  }
}
