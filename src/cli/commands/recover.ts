import { CloneboxError } from '../../core/errors.ts';
import { printable } from '../../lib/printable.ts';
import type { RecoverResult } from '../../ops/recover.ts';
import { defineCommand } from '../command.ts';

export const recover = defineCommand({
  description: `Settles what an operation left when a crash, a kill or a cut of the power ended it: what it had made is taken back, what was decided is brought to its end. Every command does so for the VM it works on; this does it for those nobody works on.

With the name of a deleted VM, brings that back from the trash, where it stays for 24 hours.`,
  arguments: { vm: { summary: 'a VM, a project directory, or the id of an operation' } },
  options: {
    list: { kind: 'flag', summary: 'only show what there is to recover' },
    replace: {
      kind: 'flag',
      summary:
        'bring it back in the place of the VM that has its name now, which goes to the trash',
    },
    auto: { kind: 'flag', summary: 'settle everything, as without any word' },
  },
  examples: [
    { line: 'clonebox recover --list', what: 'what was interrupted, and what is in the trash' },
    { line: 'clonebox recover shop', what: 'one VM, from a crash or from the trash' },
    { line: 'clonebox recover shop --replace', what: 'the one before the last clone --replace' },
  ],
  run: async ({ ctx, args, options, cwd, confirm }): Promise<RecoverResult & { done: boolean }> => {
    if ([options.list, options.auto, args.vm !== undefined].filter(Boolean).length > 1) {
      throw new CloneboxError('usage', 'recover takes only one of: a VM, --list, --auto', {
        hint: 'See what there is: clonebox recover --list',
      });
    }
    const ops = await import('../../ops/recover.ts');
    if (options.list) return { ...(await ops.listRecoverable(ctx)), done: false };
    if (args.vm === undefined) return { ...(await ops.recoverAll(ctx)), done: true };
    return {
      ...(await ops.recover(ctx, { target: args.vm, cwd, replace: options.replace, confirm })),
      done: true,
    };
  },
  render: ({ operations, trash, done }) => {
    if (operations.length + trash.length === 0) return ['Nothing to recover.'];
    return [
      ...operations.map(({ id, operation, vm, lastStep, way }) => {
        const what = `${operation}${vm === null ? '' : ` of ${vm}`}`;
        const verb = way === 'undo' ? 'took back' : 'finished';
        const where = `(it stopped at: ${printable(lastStep)})`;
        return done ? `${verb} ${what} ${where}` : `interrupted: ${what} ${where}  ${id}`;
      }),
      ...trash.map(({ name, deleted }) =>
        done
          ? `${name} is back from the trash, stopped`
          : `in the trash: ${name}, since ${deleted}`,
      ),
    ];
  },
});
