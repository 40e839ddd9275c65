import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { renderBench } from '../render/bench.ts';
import { ownArgv } from './bench-options.ts';

export const benchDensity = defineCommand({
  description: `Measures how much memory clones take that share the memory of their template: makes one after the other, leaves them running, and looks after the first, half of them, and all. Removes them all, after Ctrl-C too.`,
  arguments: {},
  options: { clones: { ...countOption('clones in the end; default: 20', 1), short: 'n' } },
  examples: [
    { line: 'clonebox bench density -n 20', what: 'twenty clones' },
    { line: 'clonebox bench density -n 6 --json', what: 'fewer, for scripts' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/bench-density.ts');
    return ops.benchDensity(ctx, { self: ownArgv(), clones: options.clones ?? 20 });
  },
  render: renderBench,
});
