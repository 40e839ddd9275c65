import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { renderBench } from '../render/bench.ts';
import { againstOption, ownArgv } from './bench-options.ts';

export const benchCreate = defineCommand({
  description: `Measures how long a new VM without packages takes until its guest answers, and, turn by turn with it, a bare QEMU that boots the same image. Leaves nothing behind.`,
  arguments: {},
  options: {
    cold: { kind: 'flag', summary: 'without a template; all there is so far' },
    runs: countOption('pairs to measure; default: 5', 1),
    against: againstOption,
  },
  examples: [
    { line: 'clonebox bench create --cold --runs 5', what: 'five pairs' },
    { line: 'clonebox bench create --cold --against none', what: 'without the bare boots' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/bench.ts');
    const against = options.against !== 'none';
    return ops.benchCreate(ctx, { self: ownArgv(), runs: options.runs ?? 5, against });
  },
  render: renderBench,
});
