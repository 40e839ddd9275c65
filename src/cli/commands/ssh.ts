import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

export const ssh = defineCommand({
  description: `Opens a shell in a running VM, in the project's directory, over ssh with the VM's own key and its pinned host key. What comes after -- is one command line for the guest's shell, as with ssh itself; exec passes words exactly.`,
  arguments: { vm: vmArgument },
  guestArgv: 'optional',
  terminal: 'ssh is a session on this terminal; use exec --json',
  options: { user: userFlag },
  examples: [
    { line: 'clonebox ssh', what: 'a shell in the VM of this directory' },
    { line: "clonebox ssh shop -- 'cd /tmp && ls'", what: 'one command line' },
  ],
  run: async ({ ctx, args, guestArgv, cwd, streams }) => {
    const ops = await import('../../ops/exec.ts');
    const tty = streams.stdinIsTty && guestArgv.length === 0;
    return { exitCode: await ops.ssh(ctx, { target: args.vm, cwd, argv: guestArgv, tty }) };
  },
  render: () => [],
  exitCode: (data) => data.exitCode,
});
