import type { Ctx } from '../core/ctx.ts';
import type {
  DetectArea,
  DetectInput,
  Detector,
  DetectReport,
  DetectScope,
} from '../core/detect.ts';
import { reasonOf } from '../core/errors.ts';
import { inTime } from '../lib/deadline.ts';

export interface DetectOptions {
  /** Nothing means every area. */
  readonly areas: readonly DetectArea[];
  readonly scope: DetectScope;
  /** Milliseconds that the detectors have, all at the same time. */
  readonly deadline?: number;
  /** How much longer than usual each single thing may take. */
  readonly pace?: number;
}

/** Milliseconds that a look usually has. */
export const patience = 1500;

/**
 * Looks at this workstation, in all areas at once. Changes nothing, and does not fail: what could not be looked at, or
 * not in time, is in `problems`.
 */
export async function detect(ctx: Ctx, options: DetectOptions): Promise<DetectReport> {
  const { areas, pace = 1, deadline = patience * pace } = options;
  // Of this call alone: what detectors share, they share by it.
  const scope = { ...options.scope };
  const detectors = await ctx.detectors();
  const limit = AbortSignal.timeout(deadline);
  const asked = detectors.filter(({ area }) => areas.length === 0 || areas.includes(area));
  const parts = await Promise.all(
    asked.map((detector) => look(ctx, detector, { scope, limit, deadline, pace })),
  );
  return {
    found: Object.fromEntries(parts.map(({ area, items }) => [area, items])),
    problems: parts.flatMap(({ area, notes }) => notes.map((reason) => ({ area, reason }))),
    milliseconds: Object.fromEntries(parts.map(({ area, took }) => [area, took])),
  };
}

interface Look {
  readonly scope: DetectScope;
  readonly limit: AbortSignal;
  readonly deadline: number;
  readonly pace: number;
}

async function look(ctx: Ctx, detector: Detector, { scope, limit, deadline, pace }: Look) {
  const { area } = detector;
  // The same reason may come up in several places.
  const notes = new Set<string>();
  const start = performance.now();
  const io = { ...ctx.io, signal: AbortSignal.any([ctx.io.signal, limit]) };
  const input: DetectInput = {
    ...{ host: ctx.host, scope, io, pace },
    note: (reason) => notes.add(reason),
  };
  const items = await inTime(detector.detect(input), io.signal).catch((error: unknown) => {
    // Ctrl-C is for all of us; a detector that fails, or hangs, is for its own area.
    ctx.io.signal.throwIfAborted();
    notes.add(limit.aborted ? `not finished after ${deadline} ms` : reasonOf(error));
    return [];
  });
  return { area, items, notes: [...notes], took: Math.round(performance.now() - start) };
}
