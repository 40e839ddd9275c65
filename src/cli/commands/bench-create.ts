import { CloneboxError } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { countOption } from '../common.ts';
import { renderBench } from '../render/bench.ts';
import { againstOption, ownArgv } from './bench-options.ts';

export const benchCreate = defineCommand({
  description: `Measures how long a new VM without packages takes until its guest answers, has run a command, and its port answers; turn by turn with a bare QEMU that does the same with nobody around it. Leaves nothing behind.`,
  arguments: {},
  options: {
    warm: { kind: 'flag', summary: 'from a template that is ready; the default' },
    cold: { kind: 'flag', summary: 'without a template: boot the image' },
    bake: { kind: 'flag', summary: 'the first use of a template: make it, keep its memory' },
    runs: countOption('pairs to measure; default: 5, with --bake 3', 1),
    parallel: countOption('VMs to ask for at once; default: 1', 1),
    against: againstOption,
  },
  examples: [
    { line: 'clonebox bench create', what: 'five pairs, from a template' },
    { line: 'clonebox bench create --parallel 5', what: 'five at once, until the last is there' },
    { line: 'clonebox bench create --cold --against none', what: 'without the bare boots' },
  ],
  run: async ({ ctx, options }) => {
    const { warm, cold, bake, parallel = 1 } = options;
    if ([warm, cold, bake].filter((one) => one).length > 1)
      throw new CloneboxError('usage', '--warm, --cold and --bake are three things: give one');
    if (bake && parallel > 1)
      throw new CloneboxError(
        'usage',
        '--parallel does not go with --bake: one template is made once',
      );
    const common = { self: ownArgv(), against: options.against !== 'none' };
    if (bake) {
      const ops = await import('../../ops/bench-bake.ts');
      return ops.benchBake(ctx, { ...common, runs: options.runs ?? 3 });
    }
    const ops = await import('../../ops/bench-create.ts');
    const mode = cold ? 'cold' : 'warm';
    return ops.benchCreate(ctx, { ...common, mode, parallel, runs: options.runs ?? 5 });
  },
  render: renderBench,
});
