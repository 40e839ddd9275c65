import { defineCommand } from '../command.ts';
import { userFlag, vmArgument } from '../common.ts';

export const secretRotate = defineCommand({
  description: `Gives a running VM a new ssh key in the place of the old one, which is let in no more, and fetches its secrets anew: what was changed in Vault or in a file is in the guest afterwards, and the services that get it are started again.`,
  arguments: { vm: vmArgument },
  options: { user: userFlag },
  examples: [
    { line: 'clonebox secret rotate', what: 'after a token was changed, or a laptop was lost' },
    { line: 'clonebox secret rotate shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { rotateSecrets } = await import('../../ops/secrets/rotate.ts');
    return rotateSecrets(ctx, { target: args.vm, cwd });
  },
  render: ({ vm, secrets }) => [
    secrets.length === 0
      ? `${vm} has a new ssh key`
      : `${vm} has a new ssh key, and its secrets anew: ${secrets.join(', ')}`,
  ],
});
