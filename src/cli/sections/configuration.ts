import type { Section } from '../entry.ts';

export const configuration: Section = {
  title: 'Configuration',
  entries: [
    {
      name: 'init',
      summary: 'Write the configuration file of a project',
      load: async () => (await import('../commands/init.ts')).init,
    },
    {
      name: 'config',
      summary: 'Look at configurations',
      commands: [
        {
          name: 'show',
          summary: 'Show a configuration with nothing left to a default',
          load: async () => (await import('../commands/config-show.ts')).configShow,
        },
        {
          name: 'migrate',
          summary: 'Write a configuration file of version 1 as version 2',
          load: async () => (await import('../commands/config-migrate.ts')).configMigrate,
        },
        {
          name: 'schema',
          summary: 'Print the JSON Schema of the configuration file',
          load: async () => (await import('../commands/config-schema.ts')).configSchema,
        },
        {
          name: 'validate',
          summary: 'Check a configuration file',
          load: async () => (await import('../commands/config-validate.ts')).configValidate,
        },
      ],
    },
    {
      name: 'secret',
      summary: 'Secrets that a guest gets, in memory only',
      commands: [
        {
          name: 'list',
          summary: 'List the secrets of a VM or a project',
          load: async () => (await import('../commands/secret-list.ts')).secretList,
        },
        {
          name: 'check',
          summary: 'Say of each secret whether it can be had, and from where',
          load: async () => (await import('../commands/secret-check.ts')).secretCheck,
        },
        {
          name: 'rotate',
          summary: 'Change the ssh key of a running VM, and fetch its secrets anew',
          load: async () => (await import('../commands/secret-rotate.ts')).secretRotate,
        },
      ],
    },
    {
      name: 'profile',
      summary: 'Configurations that others build on',
      commands: [
        {
          name: 'list',
          summary: 'List the profiles that a project can use',
          load: async () => (await import('../commands/profile-list.ts')).profileList,
        },
        {
          name: 'show',
          summary: 'Show what a profile says, and where each value is from',
          load: async () => (await import('../commands/profile-show.ts')).profileShow,
        },
      ],
    },
  ],
};
