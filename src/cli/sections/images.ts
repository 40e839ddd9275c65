import type { Section } from '../entry.ts';

export const images: Section = {
  title: 'Images',
  entries: [
    {
      name: 'image',
      summary: 'Base images that VMs are made from',
      commands: [
        {
          name: 'list',
          summary: 'List the images in the cache',
          load: async () => (await import('../commands/image-list.ts')).imageList,
        },
        {
          name: 'pull',
          summary: 'Fetch an image',
          load: async () => (await import('../commands/image-pull.ts')).imagePull,
        },
        {
          name: 'build',
          summary: "Build an image from this machine's package sources",
          load: async () => (await import('../commands/image-build.ts')).imageBuild,
        },
        {
          name: 'import',
          summary: 'Copy a disk file into the cache',
          load: async () => (await import('../commands/image-import.ts')).imageImport,
        },
        {
          name: 'prune',
          summary: 'Remove images that no VM needs',
          load: async () => (await import('../commands/image-prune.ts')).imagePrune,
        },
      ],
    },
  ],
};
