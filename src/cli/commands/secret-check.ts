import { exitCodes } from '../../core/errors.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { renderTable } from '../render/table.ts';
import { secretOptions, secretTarget } from './secret-options.ts';

export const secretCheck = defineCommand({
  description: `Fetches each secret of a VM or a project as a start would, and says where it was found, never what it is. Exit code 10 when one of them cannot be had. The file of a project without a VM must be trusted, since it says whom to ask.`,
  arguments: { vm: vmArgument },
  options: secretOptions,
  examples: [
    { line: 'clonebox secret check', what: 'before a clone, or when a start fails' },
    { line: 'clonebox secret check --vm shop --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, options, cwd, trust }) => {
    const { checkSecrets } = await import('../../ops/secrets/check.ts');
    return {
      secrets: await checkSecrets(ctx, { target: secretTarget(args.vm, options.vm), cwd, trust }),
    };
  },
  render: ({ secrets }, look) =>
    secrets.length === 0
      ? ['no secrets: see `secrets` in docs/reference/config.md']
      : renderTable(
          {
            head: ['NAME', 'FOUND', 'WHERE'],
            rows: secrets.map(({ name, found, where, size, problem }) => [
              name,
              found ? formatBytes(size ?? 0) : look.colors.red('no'),
              where ?? problem ?? '-',
            ]),
          },
          look,
        ),
  exitCode: ({ secrets }) => (secrets.every(({ found }) => found) ? 0 : exitCodes.refused),
});
