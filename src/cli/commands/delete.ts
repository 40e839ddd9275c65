import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

const outcomes = {
  trashed: 'is in the trash for 24 hours; its name and ports are free',
  purged: 'is gone for good',
  kept: 'was kept',
} as const;

export const deleteCommand = defineCommand({
  description: `Deletes a VM, and asks first when it runs. It stays in the trash for 24 hours; with --purge it is gone for good. The project's own files are never touched.`,
  arguments: { vm: vmArgument },
  options: {
    purge: { kind: 'flag', summary: 'remove it for good, not to the trash' },
    user: userFlag,
  },
  examples: [
    { line: 'clonebox delete', what: 'the VM of this directory' },
    { line: 'clonebox delete shop --purge --yes', what: 'for good, and without a question' },
  ],
  run: async ({ ctx, args, options, cwd, confirm }) => {
    const { deleteVm } = await import('../../ops/delete.ts');
    return deleteVm(ctx, { target: args.vm, cwd, purge: options.purge, confirm });
  },
  render: (data) => [`${data.name} ${outcomes[data.outcome]}`],
});
