import type { Section } from '../entry.ts';

export const templates: Section = {
  title: 'Templates',
  entries: [
    {
      name: 'template',
      summary: 'Machines that clones begin from',
      commands: [
        {
          name: 'list',
          summary: 'List the templates in the cache',
          load: async () => (await import('../commands/template-list.ts')).templateList,
        },
        {
          name: 'build',
          summary: 'Make the template of a project',
          load: async () => (await import('../commands/template-build.ts')).templateBuild,
        },
        {
          name: 'inspect',
          summary: 'Show what shaped a template, and why it is another',
          load: async () => (await import('../commands/template-inspect.ts')).templateInspect,
        },
        {
          name: 'prune',
          summary: 'Remove templates that no VM needs',
          load: async () => (await import('../commands/template-prune.ts')).templatePrune,
        },
      ],
    },
  ],
};
