import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Image } from '../core/image.ts';
import { mapBounded } from '../lib/map-bounded.ts';
import { type BenchReport, type BenchResult, report, result, type Self } from './bench.ts';
import { bareBoot } from './bench-bare.ts';
import { phaseResults, watchPhases } from './bench-phases.ts';
import { type Bench, runSelf, withProjects } from './bench-projects.ts';
import { bareResume, readResumed } from './bench-resume.ts';
import type { Timings } from './timings.ts';

export interface BenchCreateInput {
  readonly self: Self;
  /** `warm`: from the memory of a template that is ready. `cold`: from the image, without a template. */
  readonly mode: 'warm' | 'cold';
  readonly runs: number;
  /** VMs asked for at once. */
  readonly parallel: number;
  readonly against: boolean;
}

/** What a machine of a bench is like; its projects say the same. */
export const benchMachine = { cpus: 2, memory: 1024 ** 3 } as const;

const modes = {
  warm: { words: [], path: 'warm', bare: 'bare QEMU, same memory' },
  cold: { words: ['--no-template'], path: 'cold', bare: 'bare QEMU, same image' },
} as const;

/**
 * `bench create`: a new VM without packages, its times as `clone --run` tells them, in turns with a bare QEMU that does
 * the same with nobody around it. Several at once count when the last is there and each has run a command. Leaves nothing.
 */
export async function benchCreate(ctx: Ctx, input: BenchCreateInput): Promise<BenchReport> {
  const reference = await ctx.images.resolveAuto(ctx.io);
  const image = await ctx.images.ensure(reference, ctx.io);
  const { self, parallel, runs, mode } = input;
  return withProjects(ctx, { self, count: parallel, image: reference }, async (bench) => {
    for (const project of bench.projects) await bench.write(project);
    const bare = await prepare(ctx, bench, { input, image });
    const measured: Timings[] = [];
    const references: number[] = [];
    const phases = new Map<string, number[]>();
    for (let round = 0; round < runs; round++) {
      ctx.io.emit({ kind: 'phase', id: `pair-${round}`, title: `Pair ${round + 1} of ${runs}` });
      if (bare !== undefined) references.push(await bare());
      measured.push(await cloneAll(ctx, bench, { input, phases }));
      for (const project of bench.projects) await bench.remove(project);
      ctx.io.emit({ kind: 'detail', text: describe(references.at(-1), measured.at(-1)) });
    }
    const rows = createResults({ mode, parallel, measured, references });
    return report(ctx, self, [...rows, ...phaseResults(`create --${mode}`, phases)]);
  });
}

/** Makes the template of a warm clone, and what a turn of the reference is; the latest of several counts. */
async function prepare(
  ctx: Ctx,
  bench: Bench,
  { input, image }: { input: BenchCreateInput; image: Image },
): Promise<(() => Promise<number>) | undefined> {
  const all = bench.projects.map((_, index) => index);
  // As many at once as CloneBox starts.
  const latest = async (one: (number: number) => Promise<number>) => {
    const asked = ctx.host.now();
    await mapBounded(all, ctx.host.cpuCount, one);
    return (ctx.host.now() - asked) / 1000;
  };
  if (input.mode === 'cold') {
    const boot = (number: number) => bareBoot(ctx, image, { ...benchMachine, number });
    if (!input.against) return undefined;
    return () => (all.length === 1 ? boot(0) : latest(boot));
  }
  const [first] = bench.projects;
  if (first === undefined) return undefined;
  ctx.io.emit({ kind: 'phase', id: 'warm-up', title: 'Warming up: the first clone' });
  requirePath(await bench.clone(first, {}), 'warm');
  const machine = input.against ? await readResumed(ctx, first.name) : undefined;
  await bench.remove(first);
  if (machine === undefined) return undefined;
  const resume = (number: number) => bareResume(ctx, machine, number);
  return () => (all.length === 1 ? resume(0) : latest(resume));
}

async function cloneAll(
  ctx: Ctx,
  bench: Bench,
  { input, phases }: { input: BenchCreateInput; phases: Map<string, number[]> },
): Promise<Timings> {
  const { words, path } = modes[input.mode];
  const cloned = bench.projects.map(async (project) => {
    const watch = watchPhases(phases);
    const made = await bench.clone(project, { words, onLine: watch.onLine });
    watch.end();
    requirePath(made, path);
    return made.timings;
  });
  // All are waited for, so that none is still being made when the others are taken away.
  const ended = await Promise.allSettled(cloned);
  const timings = ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  if (input.parallel > 1) {
    for (const { name } of bench.projects)
      await runSelf(ctx, input.self, { argv: ['exec', name, '--', 'true'] });
  }
  return latestOf(timings);
}

/** A figure of a way that was not gone would be no figure. */
function requirePath(
  { path, pathReason }: { path: string | null; pathReason: string | null },
  wanted: 'warm' | 'cold',
): void {
  if (path === wanted) return;
  throw new CloneboxError('host-unable', `the VM was made ${path}, not ${wanted}: ${pathReason}`);
}

/** Of several clones asked for at once: when the last was there. */
export function latestOf(timings: readonly Timings[]): Timings {
  const last = (key: keyof Timings) => {
    const values = timings.map((one) => one[key]);
    return values.every((value) => value !== undefined) ? { [key]: Math.max(...values) } : {};
  };
  return { ...last('t_agent'), ...last('t_command'), ...last('t_ports') };
}

/** The rows of what was measured, one for each time that was told. */
export function createResults({
  mode,
  parallel,
  measured,
  references,
}: {
  mode: 'warm' | 'cold';
  parallel: number;
  measured: readonly Timings[];
  references: readonly number[];
}): BenchResult[] {
  const many = parallel > 1;
  const times = [
    {
      key: 't_agent',
      what: 'until its agent answers',
      target: mode === 'cold' ? 'ratio <= 1.15' : 'none',
    },
    {
      key: 't_command',
      what: 'until a command has run',
      target: mode === 'cold' ? '30 s' : many ? '< 6 s' : '< 1.5 s',
    },
    { key: 't_ports', what: 'until its port answers', target: 'none' },
  ] as const;
  const vm = many ? `the last of ${parallel} at once` : 'a new VM';
  return times.flatMap(({ key, what, target }) => {
    const values = measured.flatMap((one) => one[key] ?? []);
    if (values.length === 0) return [];
    return result({
      scenario: `create --${mode}${many ? ` --parallel ${parallel}` : ''}: ${key}`,
      ...{ unit: 's', what: `${vm}, ${what}`, values, target },
      referenceWhat: `${many ? `${parallel} times ` : ''}${modes[mode].bare}, to its agent`,
      // A bare machine has no port to wait for.
      references: key === 't_ports' ? [] : references,
    });
  });
}

function describe(bare: number | undefined, timings: Timings | undefined): string {
  const times = Object.entries(timings ?? {}).map(([key, value]) => `${key} ${value.toFixed(2)}`);
  return `bare ${bare?.toFixed(2) ?? '-'} s, CloneBox ${times.join(', ')} s`;
}
