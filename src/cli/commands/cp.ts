import { defineCommand } from '../command.ts';
import { userFlag } from '../common.ts';

export const cp = defineCommand({
  description: `Copies a file or a directory into a running VM or out of it, with modes, times and links. One side is VM:PATH; a path with a colon in it is written ./a:b.

All of it is in its place at the end, or nothing. A link that leads out of what is copied is refused.`,
  arguments: {
    source: { summary: 'PATH, or VM:PATH', required: true },
    destination: { summary: 'PATH, or VM:PATH', required: true },
  },
  options: {
    recursive: {
      kind: 'flag',
      short: 'r',
      summary: 'as usual: directories are copied whole anyway',
    },
    followLinks: {
      kind: 'flag',
      summary: 'into a VM: copy what links lead to, of a tree of your own',
    },
    user: userFlag,
  },
  examples: [
    { line: 'clonebox cp notes.txt shop:/tmp/', what: 'into a VM' },
    { line: 'clonebox cp shop:/var/log/syslog .', what: 'out of it' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const ops = await import('../../ops/cp/cp.ts');
    return ops.cp(ctx, { ...args, cwd, followLinks: options.followLinks });
  },
  render: (data) => [`copied ${data.copied}`],
});
