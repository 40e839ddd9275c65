import { formatBytes } from '../../lib/bytes.ts';
import { defineCommand } from '../command.ts';

export const templatePrune = defineCommand({
  description: `Removes templates that no VM stands on and that were not used for 30 days, and memories that this machine cannot go on from any more. A template that a VM needs is never removed, not even for a VM in the trash.`,
  arguments: { template: { summary: 'beginning of a key: that one, however new it is' } },
  options: { all: { kind: 'flag', summary: 'also those that were used lately' } },
  examples: [
    { line: 'clonebox template prune', what: 'what is old or of no use' },
    { line: 'clonebox template prune --all', what: 'everything that no VM needs' },
  ],
  run: async ({ ctx, args, options }) => {
    const { pruneTemplates } = await import('../../ops/templates/prune.ts');
    return pruneTemplates(ctx, { key: args.template, all: options.all });
  },
  render: ({ removed, freed }) => [
    removed.length === 0
      ? 'Nothing to remove.'
      : `Removed ${removed.length}, freed ${formatBytes(freed)}.`,
  ],
});
