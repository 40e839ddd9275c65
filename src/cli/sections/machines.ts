import type { Section } from '../entry.ts';

export const machines: Section = {
  title: 'Virtual machines',
  entries: [
    {
      name: 'clone',
      summary: 'Make the VM of a project',
      load: async () => (await import('../commands/clone.ts')).clone,
    },
    {
      name: 'create',
      summary: 'Make a VM from an existing configuration file',
      load: async () => (await import('../commands/create.ts')).create,
    },
    {
      name: 'start',
      summary: 'Start a VM and wait until it is ready',
      load: async () => (await import('../commands/start.ts')).start,
    },
    {
      name: 'stop',
      summary: 'Stop a VM',
      load: async () => (await import('../commands/stop.ts')).stop,
    },
    {
      name: 'restart',
      summary: 'Stop and start a VM',
      load: async () => (await import('../commands/restart.ts')).restart,
    },
    {
      name: 'delete',
      summary: 'Delete a VM; the project stays as it is',
      load: async () => (await import('../commands/delete.ts')).deleteCommand,
    },
    {
      name: 'list',
      summary: 'List all VMs',
      aliases: ['ls'],
      load: async () => (await import('../commands/list.ts')).list,
    },
    {
      name: 'status',
      summary: 'Show everything about one VM',
      load: async () => (await import('../commands/status.ts')).status,
    },
    {
      name: 'diff',
      summary: 'Show where a VM has drifted from its file and this workstation',
      load: async () => (await import('../commands/diff.ts')).diff,
    },
  ],
};
