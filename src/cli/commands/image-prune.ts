import { formatBytes } from '../../lib/bytes.ts';
import { defineCommand } from '../command.ts';

export const imagePrune = defineCommand({
  description: `Removes the images that no VM stands on, not even one in the trash, and what abandoned builds left.`,
  arguments: {},
  options: { all: { kind: 'flag', summary: 'downloads that can be resumed too' } },
  examples: [
    { line: 'clonebox image prune', what: 'what nobody needs' },
    { line: 'clonebox image prune --all', what: 'and unfinished downloads' },
  ],
  run: async ({ ctx, options }) => {
    const { pruneImages } = await import('../../ops/image.ts');
    return pruneImages(ctx, { all: options.all });
  },
  render: ({ removed, freed }) => [
    ...removed.map((what) => `removed ${what}`),
    removed.length === 0 ? 'nothing to remove' : `freed ${formatBytes(freed)}`,
  ],
});
