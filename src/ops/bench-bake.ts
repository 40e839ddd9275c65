import type { Ctx } from '../core/ctx.ts';
import { type BenchReport, type BenchResult, report, result, type Self } from './bench.ts';
import { bareBoot } from './bench-bare.ts';
import { benchMachine } from './bench-create.ts';
import { phaseResults, watchPhases } from './bench-phases.ts';
import { withProjects } from './bench-projects.ts';

export interface BenchBakeInput {
  readonly self: Self;
  readonly runs: number;
  readonly against: boolean;
}

/**
 * `bench create --bake`: a clone whose template is not there, so that it is made, its memory kept, and the VM made from it,
 * in turns with two bare boots of the same image, which are the least that takes. Nothing is installed: a step that does
 * nothing gives each round a template of its own. Leaves nothing.
 */
export async function benchBake(ctx: Ctx, input: BenchBakeInput): Promise<BenchReport> {
  const reference = await ctx.images.resolveAuto(ctx.io);
  const image = await ctx.images.ensure(reference, ctx.io);
  const { self, runs, against } = input;
  return withProjects(ctx, { self, count: 1, image: reference }, async (bench) => {
    const [project] = bench.projects;
    const totals: number[] = [];
    const boots: number[] = [];
    const phases = new Map<string, number[]>();
    for (let round = 0; project !== undefined && round < runs; round++) {
      ctx.io.emit({ kind: 'phase', id: `round-${round}`, title: `Round ${round + 1} of ${runs}` });
      const boot = () => bareBoot(ctx, image, { ...benchMachine, number: 0 });
      if (against) boots.push((await boot()) + (await boot()));
      const step = `provision: [{ run: ': bench ${process.pid}-${ctx.host.now()}' }]\n`;
      await bench.write(project, { more: step });
      const watch = watchPhases(phases);
      const { timings } = await bench.clone(project, { onLine: watch.onLine });
      watch.end();
      totals.push(timings.t_command ?? Number.NaN);
      await bench.remove(project);
      await bench.forget();
    }
    return report(ctx, self, [
      ...bakeResults(totals, boots),
      ...phaseResults('create --bake', phases),
    ]);
  });
}

/** The whole, and what is left of it without the boots. */
export function bakeResults(totals: readonly number[], boots: readonly number[]): BenchResult[] {
  const common = { unit: 's', referenceWhat: 'bare QEMU, same image, two boots' } as const;
  const whole = result({
    ...{ ...common, scenario: 'create --bake: t_command', values: totals, references: boots },
    what: 'a new VM and its template, until a command has run',
    target: 'none',
  });
  if (boots.length === 0) return [whole];
  const overhead = result({
    ...{ ...common, scenario: 'create --bake: overhead', references: [] },
    what: 'that, less the two bare boots',
    values: totals.map((total, index) => total - (boots[index] ?? Number.NaN)),
    target: '< 15 s',
  });
  return [whole, overhead];
}
