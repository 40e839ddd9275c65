import { parseArgument } from '../bind.ts';
import { defineCommand } from '../command.ts';
import { parsePort, userFlag, vmArgument } from '../common.ts';

export const portRemove = defineCommand({
  description: `Takes a forwarded port away. One that the running VM was started with stays open until it stops.`,
  arguments: {
    port: { summary: 'port of the guest', required: true },
    vm: vmArgument,
  },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox port remove 5432', what: 'of the VM of this directory' },
    { line: 'clonebox port remove 80 shop', what: 'of another one' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { removePort } = await import('../../ops/port.ts');
    const guest = parseArgument('PORT', args.port, parsePort);
    return removePort(ctx, { target: args.vm, cwd, guest });
  },
  render: (data) => [
    data.now
      ? `port ${data.guest} is not forwarded any more`
      : `port ${data.guest} is forwarded until the VM stops`,
  ],
});
