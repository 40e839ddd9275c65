import type { Ctx } from '../core/ctx.ts';
import type { DetectReport } from '../core/detect.ts';
import { CloneboxError } from '../core/errors.ts';
import { until } from '../lib/until.ts';
import { type BenchReport, type BenchResult, report, result, type Self } from './bench.ts';

export interface BenchDetectInput {
  readonly self: Self;
  readonly runs: number;
  /** How many processes there are to be while it is measured. */
  readonly processes: number;
}

/** Areas that are shown beside the whole: those that take longest. */
const shownAreas = 3;

/**
 * `bench detect`: the whole of detect, in turns with an empty Node process, on a machine with as many processes as a
 * workstation has. Those that are missing are started, and are gone afterwards.
 */
export async function benchDetect(ctx: Ctx, input: BenchDetectInput): Promise<BenchReport> {
  const { self, runs, processes } = input;
  const node = self.argv[0] ?? 'node';
  const whole: number[] = [];
  const empty: number[] = [];
  const areas = new Map<string, number[]>();
  const running = await withProcesses(ctx, { processes, runs }, async () => {
    await timed(ctx, [node, '-e', '0']);
    for (let round = 0; round < runs; round += 1) {
      const title = `Round ${round + 1} of ${runs}`;
      ctx.io.emit({ kind: 'phase', id: `round-${round}`, title });
      empty.push((await timed(ctx, [node, '-e', '0'])).milliseconds);
      const { milliseconds, stdout } = await timed(ctx, [...self.argv, 'detect', '--json']);
      whole.push(milliseconds);
      const told = JSON.parse(stdout) as DetectReport;
      for (const [area, took] of Object.entries(told.milliseconds)) {
        areas.set(area, [...(areas.get(area) ?? []), took]);
      }
    }
    return countProcesses(ctx);
  });
  return report(ctx, self, [
    result({
      ...{ scenario: 'detect', unit: 'ms', target: '< 2000 ms' },
      what: `clonebox detect --json, ${running} processes`,
      values: whole,
      ...{ referenceWhat: 'node -e 0', references: empty },
    }),
    ...slowest(areas),
  ]);
}

function slowest(areas: ReadonlyMap<string, readonly number[]>): BenchResult[] {
  return [...areas]
    .map(([area, values]) =>
      result({
        ...{ scenario: `detect: ${area}`, unit: 'ms', what: 'this area alone, among the others' },
        ...{ values, referenceWhat: '', references: [], target: 'none' },
      }),
    )
    .toSorted((one, other) => other.measured.median - one.measured.median)
    .slice(0, shownAreas);
}

async function timed(
  ctx: Ctx,
  argv: readonly string[],
): Promise<{ milliseconds: number; stdout: string }> {
  // What is given to every Node makes the reference slow too, and the ratio look better than it is.
  const env = { NODE_OPTIONS: undefined, NODE_EXTRA_CA_CERTS: undefined };
  const started = performance.now();
  const { exitCode, stdout, stderr } = await ctx.host.run(argv, ctx.io, { env });
  const milliseconds = performance.now() - started;
  if (exitCode === 0) return { milliseconds, stdout };
  throw new CloneboxError('bug', `${argv.join(' ')} failed: ${stderr}`);
}

/** As many sleeping children as it is told, for so many seconds at the most. */
const sleepers = 'i=0; while [ "$i" -lt "$1" ]; do sleep "$2" & i=$((i+1)); done; wait';
/** Seconds that a round takes at the most, and the start. */
const secondsOf = { round: 5, start: 60 };

/** Does something while there are so many processes. Those that were started for it are ended, whatever happens. */
async function withProcesses<T>(
  ctx: Ctx,
  { processes, runs }: { processes: number; runs: number },
  action: () => Promise<T>,
): Promise<T> {
  const missing = processes - (await countProcesses(ctx));
  if (missing <= 0) return action();
  const stop = new AbortController();
  const io = { ...ctx.io, signal: AbortSignal.any([ctx.io.signal, stop.signal]) };
  // They end by themselves if nobody is left to end them.
  const seconds = secondsOf.start + runs * secondsOf.round;
  const argv = ['sh', '-c', sleepers, 'sh', String(missing), String(seconds)];
  const ended = ctx.host.run(argv, io).then(({ stderr }) => {
    throw new CloneboxError('host-unable', `${missing} processes cannot be started: ${stderr}`, {
      hint: 'Allow more (ulimit -u), or ask for fewer: clonebox bench detect --processes 100',
    });
  });
  ended.catch(() => undefined);
  try {
    const pause = { interval: 20, io, sleep: ctx.host.sleep };
    const there = until(async () => (await countProcesses(ctx)) >= processes || undefined, pause);
    await Promise.race([there, ended]);
    return await action();
  } finally {
    // Its group goes with it: every child.
    stop.abort();
    await ended.catch(() => undefined);
  }
}

async function countProcesses(ctx: Ctx): Promise<number> {
  const names = await ctx.host.files.list('/proc');
  return names.filter((name) => /^\d+$/.test(name)).length;
}
