import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';
import { portAddress } from '../render/address.ts';
import { renderTable } from '../render/table.ts';

export const portList = defineCommand({
  description: `Lists the ports of this machine that lead into a VM.`,
  arguments: { vm: vmArgument },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox port list', what: 'of the VM of this directory' },
    { line: 'clonebox port list shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { listPorts } = await import('../../ops/port.ts');
    return { ports: await listPorts(ctx, { target: args.vm, cwd }) };
  },
  render: ({ ports }, look) =>
    renderTable(
      {
        head: ['NAME', 'GUEST', 'HERE'],
        rows: ports.map((port) => [port.name, String(port.guest), portAddress(port)]),
      },
      look,
    ),
});
