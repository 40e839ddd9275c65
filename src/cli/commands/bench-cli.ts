import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { renderBench } from '../render/bench.ts';
import { ownArgv } from './bench-options.ts';

export const benchCli = defineCommand({
  description: `Measures what the command line itself costs: --help, and list with 50 VMs, turn by turn with an empty Node.js process.`,
  arguments: {},
  options: { runs: countOption('rounds to measure; default: 15', 1) },
  examples: [
    { line: 'clonebox bench cli', what: '15 rounds' },
    { line: 'clonebox bench cli --runs 50 --json', what: 'for scripts' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/bench-cli.ts');
    return ops.benchCli(ctx, { self: ownArgv(), runs: options.runs ?? 15 });
  },
  render: renderBench,
});
