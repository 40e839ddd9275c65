import type { Ctx } from '../core/ctx.ts';
import { isCloneboxError } from '../core/errors.ts';
import type { HeldLock } from '../core/host.ts';

/** Milliseconds between two looks whether there are none. */
const idleLookEvery = 500;
/** Who waits for a turn waits for so many at most, with a process that sleeps for each. */
const turnsWaitedFor = 4;
const what = 'a turn to start';

/**
 * Starts a machine with this many processors by `action` when those that are being started leave it as many of this
 * host's: more at once would make all of them late. Turns are locks, given up by the death of who has one.
 */
export async function inTurn<T>(
  ctx: Ctx,
  { cpus }: { readonly cpus: number },
  action: () => Promise<T>,
): Promise<T> {
  const turn = await takeTurn(ctx, Math.max(1, Math.floor(ctx.host.cpuCount / cpus)));
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

async function takeTurn(ctx: Ctx, turns: number): Promise<HeldLock> {
  const paths = turnPaths(ctx).slice(0, turns);
  for (const path of paths) {
    const held = await tryLock(ctx, path);
    if (held !== undefined) return held;
  }
  const others = turns === 1 ? 'another machine is' : `${turns} other machines are`;
  const title = `Waiting for a turn: ${others} being started`;
  ctx.io.emit({ kind: 'phase', id: 'turn', title });
  return firstFree(ctx, paths.slice(-turnsWaitedFor));
}

/** Waits for all of these locks and keeps the one that is free first. */
async function firstFree({ host, io }: Ctx, paths: readonly string[]): Promise<HeldLock> {
  const over = new AbortController();
  const waiting = { ...io, signal: AbortSignal.any([io.signal, over.signal]) };
  let first: HeldLock | undefined;
  const asked = paths.map(async (path) => {
    const held = await host.lock(path, waiting, { what, wait: Number.POSITIVE_INFINITY });
    if (first !== undefined) return held.release();
    first = held;
    over.abort();
  });
  const ended = await Promise.allSettled(asked);
  if (first !== undefined) return first;
  io.signal.throwIfAborted();
  throw ended.find((one) => one.status === 'rejected')?.reason;
}

async function tryLock({ host, io }: Ctx, path: string): Promise<HeldLock | undefined> {
  try {
    return await host.lock(path, io, { what });
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
