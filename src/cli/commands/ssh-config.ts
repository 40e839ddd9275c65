import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

export const sshConfig = defineCommand({
  description: `Prints a stanza of ssh_config for a VM, with its key and its pinned host key, for editors and other programs that speak ssh.`,
  arguments: { vm: vmArgument },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox ssh-config >> ~/.ssh/config', what: 'then: ssh clonebox-NAME' },
    { line: 'clonebox ssh-config shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const ops = await import('../../ops/ssh-config.ts');
    return ops.sshConfig(ctx, { target: args.vm, cwd });
  },
  render: (data) => data.text.trimEnd().split('\n'),
});
