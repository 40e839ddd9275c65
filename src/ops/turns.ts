import type { Ctx } from '../core/ctx.ts';
import { isCloneboxError } from '../core/errors.ts';
import type { HeldLock } from '../core/host.ts';

/** Milliseconds between two looks for a turn. */
const lookEvery = 50;
/** The same of who waits until there are none. */
const idleLookEvery = 500;

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

/**
 * Runs `action` once nobody starts a machine, as the only one of its kind on this host: work that nobody waits for.
 */
export async function whenIdle<T>(ctx: Ctx, action: () => Promise<T>): Promise<T> {
  const { host, io } = ctx;
  io.emit({ kind: 'phase', id: 'idle', title: 'Waiting until no machine is being started' });
  for (;;) {
    const held = await tryLock(ctx, `${lockDirectory(ctx)}/background.lock`);
    try {
      if (held !== undefined && !(await isStarting(ctx))) return await action();
    } finally {
      await held?.release();
    }
    await host.sleep(idleLookEvery, io.signal);
  }
}

async function isStarting(ctx: Ctx): Promise<boolean> {
  const locks = await Promise.all(turnPaths(ctx).map((path) => ctx.host.isLocked(path)));
  return locks.includes(true);
}

async function takeTurn(ctx: Ctx): Promise<HeldLock> {
  const { host, io } = ctx;
  for (let tries = 0; ; tries++) {
    for (const path of turnPaths(ctx)) {
      const held = await tryLock(ctx, path);
      if (held !== undefined) return held;
    }
    if (tries === 0) {
      const title = `Waiting for a turn: ${host.cpuCount} other machines are being started`;
      io.emit({ kind: 'phase', id: 'turn', title });
    }
    await host.sleep(lookEvery, io.signal);
  }
}

async function tryLock({ host, io }: Ctx, path: string): Promise<HeldLock | undefined> {
  try {
    return await host.lock(path, io, { what: 'a turn to start' });
  } catch (error) {
    if (isCloneboxError(error, 'conflict')) return undefined;
    throw error;
  }
}

function turnPaths(ctx: Ctx): string[] {
  const turns = Math.max(1, ctx.host.cpuCount);
  return Array.from({ length: turns }, (_, turn) => `${lockDirectory(ctx)}/start-${turn}.lock`);
}

/** In the cache, as the templates: several state directories of one user may share the processors. */
function lockDirectory({ store }: Ctx): string {
  return `${store.paths.cache}/locks`;
}
