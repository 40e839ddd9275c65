import { defineCommand } from '../command.ts';
import { renderImage } from '../render/image.ts';

export const imagePull = defineCommand({
  description: `Fetches a base image, verifies it and puts it into the cache. One that is there is fetched again only with --fresh; VMs made from the older one keep it.`,
  arguments: {
    image: {
      summary: 'debian:12, ubuntu:24.04, URL#sha256:HEX, bootstrap:debian:12, or auto',
      required: true,
    },
  },
  options: { fresh: { kind: 'flag', summary: 'also when it is in the cache' } },
  examples: [
    { line: 'clonebox image pull debian:12', what: 'from the vendor' },
    { line: 'clonebox image pull auto --fresh', what: 'the newest for this host' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const { pullImage } = await import('../../ops/image.ts');
    return pullImage(ctx, { reference: args.image, cwd, fresh: options.fresh });
  },
  render: renderImage,
});
