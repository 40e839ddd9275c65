import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';
import { renderStatus } from '../render/status.ts';

export const status = defineCommand({
  description: `Shows everything about one VM: whether it runs and on what, its ports and shared directories, the memory and disk it takes, and whether its guest can reach this host's own services.`,
  arguments: { vm: vmArgument },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox status', what: 'the VM of this directory' },
    { line: 'clonebox status shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const ops = await import('../../ops/status.ts');
    return ops.status(ctx, { target: args.vm, cwd });
  },
  render: renderStatus,
});
