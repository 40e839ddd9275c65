import { defineCommand } from '../command.ts';
import { renderImage } from '../render/image.ts';

export const imageBuild = defineCommand({
  description: `Builds a base image from the package sources of this machine, without the vendor's image server. A second call builds it anew.`,
  arguments: { release: { summary: 'debian:12 (the default) or debian:13' } },
  options: {},
  examples: [
    { line: 'clonebox image build', what: 'bootstrap:debian:12' },
    { line: 'clonebox image build debian:13', what: 'bootstrap:debian:13' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { pullImage } = await import('../../ops/image.ts');
    const release = (args.release ?? 'debian:12').replace(/^bootstrap:/, '');
    return pullImage(ctx, { reference: `bootstrap:${release}`, cwd, fresh: true });
  },
  render: renderImage,
});
