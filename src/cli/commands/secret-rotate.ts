import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { secretOptions, secretTarget } from './secret-options.ts';

export const secretRotate = defineCommand({
  description: `Gives a running VM a new ssh key in the place of the old one, which is let in no more, and fetches its secrets anew: what was changed in Vault or in a file is in the guest afterwards, and the services that get it are started again.`,
  arguments: { vm: vmArgument },
  options: secretOptions,
  examples: [
    { line: 'clonebox secret rotate', what: 'after a token was changed, or a laptop was lost' },
    { line: 'clonebox secret rotate --vm shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const { rotateSecrets } = await import('../../ops/secrets/rotate.ts');
    return rotateSecrets(ctx, { target: secretTarget(args.vm, options.vm), cwd });
  },
  render: ({ vm, secrets }) => [
    secrets.length === 0
      ? `${vm} has a new ssh key`
      : `${vm} has a new ssh key, and its secrets anew: ${secrets.join(', ')}`,
  ],
});
