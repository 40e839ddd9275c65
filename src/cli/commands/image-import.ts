import { defineCommand } from '../command.ts';
import { textOption } from '../common.ts';
import { renderImage } from '../render/image.ts';

export const imageImport = defineCommand({
  description: `Copies a disk file into the cache, so that VMs can be made from it. A disk that refers to other files is refused.`,
  arguments: { path: { summary: 'a qcow2 or raw disk', required: true } },
  options: {
    name: textOption('NAME', 'what to call it; default: its file'),
    digest: textOption('DIGEST', 'refuse it unless it has this one: sha256:HEX'),
  },
  examples: [
    { line: 'clonebox image import ~/disks/base.qcow2 --name base', what: 'then: --image base' },
    { line: 'clonebox image import base.qcow2 --digest sha256:...', what: 'and check it first' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const { importImage } = await import('../../ops/image.ts');
    const { name, digest } = options;
    return importImage(ctx, { path: args.path, cwd, name, digest });
  },
  render: renderImage,
});
