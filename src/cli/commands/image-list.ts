import { formatBytes } from '../../lib/bytes.ts';
import { defineCommand } from '../command.ts';
import { renderTable } from '../render/table.ts';

export const imageList = defineCommand({
  description: `Lists the base images in the cache and the VMs that stand on them.`,
  arguments: {},
  options: {},
  examples: [
    { line: 'clonebox image list', what: 'a table' },
    { line: 'clonebox image list --json', what: 'for scripts' },
  ],
  run: async ({ ctx }) => {
    const { listImages } = await import('../../ops/image.ts');
    return { images: await listImages(ctx) };
  },
  render: async ({ images }, look) => {
    if (images.length === 0) return ['No images yet; the first clone fetches one.'];
    return renderTable(
      {
        head: ['IMAGE', 'DIGEST', 'SIZE', 'CREATED', 'USED BY'],
        rows: images.map((image) => [
          image.reference,
          image.digest.slice(0, 12),
          formatBytes(image.size),
          image.created.slice(0, 10),
          image.usedBy.join(' ') || '-',
        ]),
      },
      look,
    );
  },
});
