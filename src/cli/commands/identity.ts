import { exitCodes } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { renderTable } from '../render/table.ts';

export const identity = defineCommand({
  description: `Reads from a running VM everything that no two machines may have the same, each item by another way than it was set: by the guest agent's file commands, and the host key as sshd serves it. Ends with 8 when an item is not right.`,
  arguments: { vm: vmArgument },
  options: {},
  examples: [
    { line: 'clonebox identity shop', what: 'a table' },
    { line: 'clonebox identity shop --json', what: 'what was wanted, found, and the template had' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { vmIdentity } = await import('../../ops/identity.ts');
    return vmIdentity(ctx, { target: args.vm, cwd });
  },
  exitCode: ({ isRight }) => (isRight ? 0 : exitCodes['guest-failed']),
  render: async ({ items }, look) =>
    renderTable(
      {
        head: ['ITEM', 'IS', 'BY', ''],
        rows: items.map(({ item, found, by, isRight, wanted }) => [
          item,
          found,
          by,
          isRight ? 'right' : `WRONG: wanted ${wanted}`,
        ]),
      },
      look,
    ),
});
