import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { renderBench } from '../render/bench.ts';
import { ownArgv } from './bench-options.ts';

export const benchDetect = defineCommand({
  description: `Measures detect with everything it looks at, turn by turn with an empty Node.js process, while this machine has as many processes as a workstation. Those that are missing are started, asleep, and ended afterwards.`,
  arguments: {},
  options: {
    runs: countOption('rounds to measure; default: 10', 1),
    processes: countOption('processes to have at least; default: 300', 0),
  },
  examples: [
    { line: 'clonebox bench detect', what: '10 rounds with 300 processes' },
    { line: 'clonebox bench detect --runs 30 --json', what: 'for scripts' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/bench-detect.ts');
    const { runs = 10, processes = 300 } = options;
    return ops.benchDetect(ctx, { self: ownArgv(), runs, processes });
  },
  render: renderBench,
});
