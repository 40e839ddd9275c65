import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

const outcomes = {
  graceful: 'has stopped',
  forced: 'was stopped by force: what its guest had not written yet is lost',
  'was-stopped': 'was stopped already',
} as const;

export const stop = defineCommand({
  description: `Asks the guest to power off, waits 30 seconds, then pulls the plug. A stopped VM is left as it is.`,
  arguments: { vm: vmArgument },
  options: {
    force: { kind: 'flag', short: 'f', summary: 'pull the plug at once' },
    user: userFlag,
  },
  examples: [
    { line: 'clonebox stop', what: 'the VM of this directory' },
    { line: 'clonebox stop shop --force', what: 'without asking its guest' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const ops = await import('../../ops/stop.ts');
    return ops.stop(ctx, { target: args.vm, cwd, force: options.force });
  },
  render: (data) => [`${data.name} ${outcomes[data.outcome]}`],
});
