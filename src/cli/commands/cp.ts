import { defineCommand } from '../command.ts';
import { userFlag } from '../common.ts';

export const cp = defineCommand({
  description: `Copies a file or a directory into a running VM or out of it, with modes and times. One side is VM:PATH; a path with a colon in it is written ./a:b.`,
  arguments: {
    source: { summary: 'PATH, or VM:PATH', required: true },
    destination: { summary: 'PATH, or VM:PATH', required: true },
  },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox cp notes.txt shop:/tmp/', what: 'into a VM' },
    { line: 'clonebox cp shop:/var/log/syslog .', what: 'out of it' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const ops = await import('../../ops/cp.ts');
    return ops.cp(ctx, { ...args, cwd });
  },
  render: (data) => [`copied ${data.copied}`],
});
