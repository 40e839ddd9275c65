import { parseArgument } from '../bind.ts';
import { defineCommand } from '../command.ts';
import { parsePort, userFlag, vmArgument } from '../common.ts';
import { portAddress } from '../render/address.ts';

export const portAdd = defineCommand({
  description: `Forwards a port of this machine, on 127.0.0.1 alone, to a port of the guest: at once when the VM runs, and at every later start. When the port is taken here, the next free one is used.`,
  arguments: {
    port: { summary: 'GUEST, or HOST:GUEST', required: true },
    vm: vmArgument,
  },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox port add 5432', what: 'any free port of this machine' },
    { line: 'clonebox port add 8080:80 shop', what: 'port 8080 of this machine, if it is free' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { addPort } = await import('../../ops/port.ts');
    return addPort(ctx, { target: args.vm, cwd, ...parseArgument('PORT', args.port, parsePair) });
  },
  render: (data) => [`${portAddress(data)}  -> port ${data.guest}`],
});

function parsePair(text: string): { guest: number; host: number | undefined } {
  const parts = text.split(':');
  if (parts.length > 2) throw new RangeError('is not GUEST or HOST:GUEST');
  const [host, guest] = parts.length === 2 ? parts : [undefined, text];
  return {
    guest: parsePort(guest ?? ''),
    host: host === undefined ? undefined : parsePort(host),
  };
}
