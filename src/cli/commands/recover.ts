import { printable } from '../../lib/printable.ts';
import type { RecoverResult } from '../../ops/recover.ts';
import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';

export const recover = defineCommand({
  description: `Takes back what an operation had made when a crash or a kill ended it, of one VM or of all. Every command does so for the VM it works on; this does it for those nobody works on.`,
  arguments: { vm: { summary: `${vmArgument.summary.split(';')[0]}; default: all` } },
  options: { list: { kind: 'flag', summary: 'only show what there is to take back' } },
  examples: [
    { line: 'clonebox recover', what: 'of all VMs' },
    { line: 'clonebox recover shop --list', what: 'what there is of one VM' },
  ],
  run: async ({ ctx, args, options, cwd }): Promise<RecoverResult & { done: boolean }> => {
    const ops = await import('../../ops/recover.ts');
    const listOnly = options.list;
    const result = await ops.recover(ctx, { target: args.vm, cwd, listOnly });
    return { ...result, done: !listOnly };
  },
  render: ({ operations, done }) => {
    if (operations.length === 0) return ['Nothing to take back.'];
    return operations.map(
      ({ operation, vm, lastStep }) =>
        `${done ? 'took back' : 'interrupted:'} ${operation} of ${vm} (it stopped at: ${printable(lastStep)})`,
    );
  },
});
