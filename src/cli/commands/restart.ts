import { defineCommand } from '../command.ts';
import { noWaitFlag, userFlag, vmArgument } from '../common.ts';
import { renderMade } from '../render/made.ts';

export const restart = defineCommand({
  description: `Stops a VM as stop does and starts it again as start does. A stopped one is started.`,
  arguments: { vm: vmArgument },
  options: {
    force: { kind: 'flag', short: 'f', summary: 'pull the plug instead of asking the guest' },
    wait: noWaitFlag,
    user: userFlag,
  },
  examples: [
    { line: 'clonebox restart', what: 'the VM of this directory' },
    { line: 'clonebox restart shop --force', what: 'when its guest hangs' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const ops = await import('../../ops/stop.ts');
    const { force, wait } = options;
    return ops.restart(ctx, { target: args.vm, cwd, force, wait });
  },
  render: renderMade,
});
