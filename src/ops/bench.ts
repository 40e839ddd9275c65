import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { type Summary, summarize } from '../lib/median.ts';
import { bareBoot } from './bench-bare.ts';
import { fiftyVms, removeFiftyVms } from './bench-homes.ts';

/** One thing measured, and what it was measured against in the same run, turn by turn. */
export interface BenchResult {
  readonly scenario: string;
  readonly unit: 's' | 'ms' | 'MiB';
  readonly measured: { readonly what: string } & Summary;
  readonly reference: ({ readonly what: string } & Summary) | null;
  /** Median of the ratios of the pairs. */
  readonly ratio: number | null;
  readonly target: string;
}

export interface BenchReport {
  readonly host: {
    readonly cpus: number;
    readonly memory: number;
    readonly processor: string;
    readonly kernel: string;
    readonly qemu: string | null;
    readonly accel: string;
    readonly node: string;
  };
  readonly results: readonly BenchResult[];
}

/** How this very CloneBox is called: measured from outside, as a user would see it. */
export interface Self {
  readonly argv: readonly string[];
}

/**
 * `bench create --cold`: a new VM without packages until its guest answers, alternating with a bare QEMU boot of the
 * same image. Leaves nothing behind.
 */
export async function benchCreate(
  ctx: Ctx,
  input: { self: Self; runs: number; against: boolean },
): Promise<BenchReport> {
  const reference = await ctx.images.resolveAuto(ctx.io);
  const image = await ctx.images.ensure(reference, ctx.io);
  const name = `bench-${process.pid}`;
  // Not in the state directory: nothing of that is ever shared.
  const project = `${ctx.host.env.TMPDIR || '/tmp'}/clonebox-${name}`;
  await ctx.host.files.makeDirectory(project);
  await ctx.host.files.writeAtomic(
    `${project}/.clonebox.yaml`,
    `version: '2'\nvm: { name: ${name}, image: '${reference}', cpus: 2, memory: 1G }\n`,
  );
  const cold: number[] = [];
  const bare: number[] = [];
  try {
    for (let round = 0; round < input.runs; round++) {
      ctx.io.emit({
        kind: 'phase',
        id: `pair-${round}`,
        title: `Pair ${round + 1} of ${input.runs}`,
      });
      if (input.against)
        bare.push(await bareBoot(ctx, image, { cpus: 2, memory: 1024 ** 3, directory: project }));
      const output = await runSelf(ctx, input.self, [
        'clone',
        project,
        '--run',
        '--no-wait',
        '--json',
      ]);
      const { timings } = JSON.parse(output) as { timings: { t_agent: number } };
      cold.push(timings.t_agent);
      ctx.io.emit({
        kind: 'detail',
        text: `bare ${bare.at(-1)?.toFixed(2) ?? '-'} s, CloneBox ${timings.t_agent.toFixed(2)} s`,
      });
      await runSelf(ctx, input.self, ['delete', name, '--purge', '--yes']);
    }
  } finally {
    await runSelf(ctx, input.self, ['delete', name, '--purge', '--yes']).catch(() => '');
    await ctx.host.files.remove(project);
  }
  return report(ctx, [
    result({
      scenario: 'create --cold',
      unit: 's',
      what: 'a new VM without packages, command to agent (t_agent)',
      values: cold,
      referenceWhat: 'bare QEMU boot of the same image, to agent',
      references: bare,
      target: 'ratio <= 1.15',
    }),
  ]);
}

/** `bench cli`: what the command line itself costs, against an empty Node process. */
export async function benchCli(
  ctx: Ctx,
  input: { self: Self; runs: number },
): Promise<BenchReport> {
  const home = `${ctx.store.paths.home}/bench-cli`;
  await fiftyVms(ctx, home);
  const node = input.self.argv[0] ?? 'node';
  // Certificates and options given to every Node make the reference slow too, and the ratio look better than it is.
  const env = { CLONEBOX_HOME: home, NODE_OPTIONS: undefined, NODE_EXTRA_CA_CERTS: undefined };
  const time = async (argv: readonly string[]) => {
    const started = performance.now();
    const { exitCode, stderr } = await ctx.host.run(argv, ctx.io, { env });
    if (exitCode !== 0) throw new CloneboxError('bug', `${argv.join(' ')} failed: ${stderr}`);
    return performance.now() - started;
  };
  const empty: number[] = [];
  const help: number[] = [];
  const list: number[] = [];
  try {
    await time([node, '-e', '0']);
    for (let round = 0; round < input.runs; round++) {
      empty.push(await time([node, '-e', '0']));
      help.push(await time([...input.self.argv, '--help']));
      list.push(await time([...input.self.argv, 'list', '--json']));
    }
  } finally {
    await removeFiftyVms(ctx, home);
  }
  const common = { unit: 'ms' as const, referenceWhat: 'node -e 0', references: empty };
  return report(ctx, [
    result({
      ...common,
      scenario: 'cli --help',
      what: 'clonebox --help',
      values: help,
      target: 'ratio <= 1.3',
    }),
    result({
      ...common,
      scenario: 'cli list',
      what: 'clonebox list with 50 stopped VMs',
      values: list,
      target: `<= 2 x an empty Node + 100 ms = ${Math.round(2 * summarize(empty).median + 100)} ms`,
    }),
  ]);
}

async function runSelf(ctx: Ctx, self: Self, args: readonly string[]): Promise<string> {
  const run = await ctx.host.run([...self.argv, ...args], ctx.io);
  if (run.exitCode === 0) return run.stdout;
  throw new CloneboxError(
    'guest-failed',
    `clonebox ${args.join(' ')} failed with ${run.exitCode}: ${run.stdout}${run.stderr}`,
  );
}

/** Sums up values, and the references they were measured with in turns. */
export function result(input: {
  scenario: string;
  unit: BenchResult['unit'];
  what: string;
  values: readonly number[];
  referenceWhat: string;
  references: readonly number[];
  target: string;
}): BenchResult {
  const { scenario, unit, values, references, target } = input;
  const ratios = references.map((reference, index) => (values[index] ?? Number.NaN) / reference);
  return {
    scenario,
    unit,
    measured: { what: input.what, ...summarize(values) },
    reference:
      references.length === 0 ? null : { what: input.referenceWhat, ...summarize(references) },
    ratio: references.length === 0 ? null : summarize(ratios).median,
    target,
  };
}

/** Results with what machine they are from. */
export async function report(ctx: Ctx, results: readonly BenchResult[]): Promise<BenchReport> {
  const facts = await (await ctx.driver('qemu')).preflight(ctx.io);
  const processor = /^model name\s*:\s*(.*)$/m.exec(
    (await ctx.host.files.readText('/proc/cpuinfo')) ?? '',
  )?.[1];
  return {
    host: {
      cpus: ctx.host.cpuCount,
      memory: ctx.host.memoryBytes,
      processor: processor ?? 'unknown',
      kernel: ((await ctx.host.files.readText('/proc/sys/kernel/osrelease')) ?? '').trim(),
      qemu: facts.version ?? null,
      accel: facts.accel.accel,
      node: process.version,
    },
    results,
  };
}
