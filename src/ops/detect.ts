import type { Ctx } from '../core/ctx.ts';
import type {
  DetectArea,
  DetectInput,
  Detector,
  DetectReport,
  DetectScope,
} from '../core/detect.ts';
import { reasonOf } from '../core/errors.ts';

export interface DetectOptions {
  /** Nothing means every area. */
  readonly areas: readonly DetectArea[];
  readonly scope: DetectScope;
  /** Milliseconds that each detector has. */
  readonly deadline?: number;
}

const patience = 1500;

/**
 * Looks at this workstation, in all areas at once. Changes nothing, and does not fail: what could not be looked at, or
 * not in time, is in `problems`.
 */
export async function detect(ctx: Ctx, options: DetectOptions): Promise<DetectReport> {
  const { areas, scope, deadline = patience } = options;
  const detectors = await ctx.detectors();
  const asked = detectors.filter(({ area }) => areas.length === 0 || areas.includes(area));
  const parts = await Promise.all(
    asked.map((detector) => look(ctx, detector, { scope, deadline })),
  );
  return {
    found: Object.fromEntries(parts.map(({ area, items }) => [area, items])),
    problems: parts.flatMap(({ area, notes }) => notes.map((reason) => ({ area, reason }))),
    milliseconds: Object.fromEntries(parts.map(({ area, took }) => [area, took])),
  };
}

async function look(
  ctx: Ctx,
  detector: Detector,
  { scope, deadline }: { scope: DetectScope; deadline: number },
) {
  const { area } = detector;
  const notes: string[] = [];
  const start = performance.now();
  const limit = AbortSignal.timeout(deadline);
  const io = { ...ctx.io, signal: AbortSignal.any([ctx.io.signal, limit]) };
  const input: DetectInput = { host: ctx.host, scope, io, note: (reason) => notes.push(reason) };
  const items = await inTime(detector.detect(input), io.signal).catch((error: unknown) => {
    // Ctrl-C is for all of us; a detector that fails, or hangs, is for its own area.
    ctx.io.signal.throwIfAborted();
    notes.push(limit.aborted ? `not finished after ${deadline} ms` : reasonOf(error));
    return [];
  });
  return { area, items, notes, took: Math.round(performance.now() - start) };
}

/** The promise, or the signal's reason when that comes first: not everything that hangs hears a signal. */
function inTime<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
