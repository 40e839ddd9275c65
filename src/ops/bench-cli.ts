import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { summarize } from '../lib/median.ts';
import { type BenchReport, report, result, type Self } from './bench.ts';
import { fiftyVms, removeFiftyVms } from './bench-homes.ts';

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
  return report(ctx, input.self, [
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
