import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { renderTable } from '../render/table.ts';
import { secretOptions, secretTarget } from './secret-options.ts';

export const secretList = defineCommand({
  description: `Lists the secrets that a VM gets, or that the file of a project asks for: who is asked for each, and where it is in the guest. None is fetched.`,
  arguments: { vm: vmArgument },
  options: secretOptions,
  examples: [
    { line: 'clonebox secret list', what: 'those of this project' },
    { line: 'clonebox secret list --vm shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const { listSecrets } = await import('../../ops/secrets/list.ts');
    return { secrets: await listSecrets(ctx, { target: secretTarget(args.vm, options.vm), cwd }) };
  },
  render: ({ secrets }, look) =>
    secrets.length === 0
      ? ['no secrets: see `secrets` in docs/reference/config.md']
      : renderTable(
          {
            head: ['NAME', 'PROVIDER', 'KEY', 'IN THE GUEST', 'OWNER', 'MODE', 'SERVICE'],
            rows: secrets.map((one) => [
              ...[one.name, one.provider, one.key, one.path, one.owner, one.mode],
              one.service ?? '-',
            ]),
          },
          look,
        ),
});
