import { defineCommand } from '../command.ts';
import { noWaitFlag, userFlag, vmArgument } from '../common.ts';
import { renderMade } from '../render/made.ts';

export const start = defineCommand({
  description: `Starts a VM and waits until it is ready: its guest answers, its directories are mounted, and every declared port answers. A running one is left as it is; a project directory without a VM gets one first.`,
  arguments: { vm: vmArgument },
  options: { wait: noWaitFlag, user: userFlag },
  examples: [
    { line: 'clonebox start', what: 'the VM of this directory' },
    { line: 'clonebox start shop --no-wait', what: 'do not wait for its ports' },
  ],
  run: async ({ ctx, args, options, cwd, trust, show }) => {
    const ops = await import('../../ops/start.ts');
    return ops.start(ctx, { target: args.vm, cwd, wait: options.wait, trust, show });
  },
  render: renderMade,
});
