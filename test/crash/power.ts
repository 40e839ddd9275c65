import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { main } from '../e2e/support/cli.ts';
import type { Bed } from './bed.ts';
import { createDisk, digestOf, type Loss, materialize } from './disk.ts';
import { readEffects, tracer } from './effects.ts';
import { leftovers, modelOf, recorded } from './model.ts';
import type { Operation } from './operations.ts';

export interface PowerResult {
  readonly effects: number;
  /** Different trees that a cut can leave. */
  readonly trees: number;
  readonly untouched: number;
  readonly complete: number;
  readonly failed: readonly string[];
  /** What is not durable yet when the command has said that it is done. */
  readonly unsynced: readonly string[];
}

const losses: readonly Loss[] = ['strict', 'entries', 'all'];

/** What may be lost: what a machine, a log or a lock wrote that nobody relies on. */
const worthless = /^(run|locks|log)(\/|$)|\.lock |serial\.log |^(locks|log|run) /;

export const hasTracer = spawnSync('strace', ['-V']).status === 0;

/**
 * Runs an operation while its effects are recorded, then cuts the power after each of them: whatever a disk may have
 * kept by then, the next command must leave everything untouched or complete.
 */
export async function cutPower(bed: Bed, operation: Operation): Promise<PowerResult> {
  await bed.reset(operation.start);
  await operation.prepare?.(bed);
  const before = await modelOf(bed);
  const told = recorded(bed, operation.event);
  const disk = createDisk(bed.home);
  const trace = path.join(path.dirname(bed.root), 'trace');
  const [program = '', ...words] = [
    ...tracer(trace),
    process.execPath,
    main,
    ...operation.argv(bed),
  ];
  const env = { ...process.env, CLONEBOX_HOME: bed.home, CLONEBOX_CACHE: bed.cache };
  const done = spawnSync(program, words, { env, encoding: 'utf8', timeout: 300_000 });
  if (done.status !== 0) throw new Error(`${operation.name}: ${done.stderr}`);
  const after = await modelOf(bed);
  const effects = readEffects(trace, bed.home);
  rmSync(trace);

  const seen = new Set<string>();
  const failed: string[] = [];
  const count = { untouched: 0, complete: 0 };
  for (let cut = 0; cut <= effects.length; cut++) {
    const effect = effects[cut - 1];
    if (effect !== undefined) disk.apply(effect);
    for (const loss of losses) {
      const left = disk.survivors(loss);
      const digest = digestOf(left);
      if (seen.has(digest)) continue;
      seen.add(digest);
      rmSync(bed.home, { recursive: true, force: true });
      materialize(left, bed.home);
      const recovered = await bed.run(['recover', '--auto']);
      const now = await modelOf(bed);
      const state = isDeepStrictEqual(now, after)
        ? 'complete'
        : isDeepStrictEqual(now, before)
          ? 'untouched'
          : undefined;
      const lines = recorded(bed, operation.event) - told;
      const verified = await bed.run(['audit', 'verify']);
      const problems = [
        ...(recovered.exitCode === 0 ? [] : [`recover: ${recovered.stderr}`]),
        ...(state === undefined ? [`neither before nor after: ${JSON.stringify(now)}`] : []),
        ...leftovers(bed, now).map((one) => `left: ${one}`),
        ...(verified.exitCode === 0 ? [] : [`audit: ${verified.stdout}${verified.stderr}`]),
        ...(lines > 1 || (lines === 0 && state === 'complete')
          ? [`${lines} lines in the log`]
          : []),
        ...(cut === effects.length && state !== 'complete' ? ['it said it was done'] : []),
      ];
      if (state !== undefined) count[state] += 1;
      const what =
        effect === undefined
          ? 'the beginning'
          : `${effect.kind} ${JSON.stringify(shown(effect, bed))}`;
      if (problems.length > 0) failed.push(`${loss} after ${what}: ${problems.join('; ')}`);
    }
  }
  const unsynced = disk.unsynced().filter((line) => !worthless.test(line));
  return { effects: effects.length, trees: seen.size, ...count, failed, unsynced };
}

function shown(effect: object, bed: Bed): Record<string, unknown> {
  const entries = Object.entries(effect).filter(([key]) => !['kind', 'data'].includes(key));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, String(value).replace(`${bed.home}/`, '')]),
  );
}
