import { CloneboxError } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

export const consoleCommand = defineCommand({
  description: `Joins this terminal to the serial console of a running VM, for a guest that does not answer otherwise. Ctrl-] leaves it. The guest user may have no password; then there is nothing to log in with.`,
  arguments: { vm: vmArgument },
  terminal: 'the console is a session on this terminal; use logs --json',
  options: { user: userFlag },
  examples: [
    { line: 'clonebox console', what: 'of the VM of this directory' },
    { line: 'clonebox console shop', what: 'of another one' },
  ],
  run: async ({ ctx, args, cwd, streams }) => {
    if (!streams.stdinIsTty) {
      throw new CloneboxError('usage', 'console needs a terminal, and this is none', {
        hint: 'To read what the guest writes there: clonebox logs',
      });
    }
    const { attachConsole } = await import('../../ops/console.ts');
    const onAttached = (name: string) =>
      ctx.io.emit({ kind: 'note', text: `This is the console of ${name}; Ctrl-] leaves it.` });
    return attachConsole(ctx, { target: args.vm, cwd, onAttached });
  },
  render: () => [],
});
