import type { Section } from '../entry.ts';

export const inside: Section = {
  title: 'Inside a VM',
  entries: [
    {
      name: 'exec',
      summary: 'Run a command in a VM',
      load: async () => (await import('../commands/exec.ts')).exec,
    },
    {
      name: 'ssh',
      summary: 'Log in to a VM',
      load: async () => (await import('../commands/ssh.ts')).ssh,
    },
    {
      name: 'ssh-config',
      summary: 'Print how other programs reach a VM by ssh',
      load: async () => (await import('../commands/ssh-config.ts')).sshConfig,
    },
    {
      name: 'cp',
      summary: 'Copy files into a VM or out of it',
      load: async () => (await import('../commands/cp.ts')).cp,
    },
    {
      name: 'identity',
      summary: 'Prove who a VM is, item by item',
      load: async () => (await import('../commands/identity.ts')).identity,
    },
    {
      name: 'set-password',
      summary: "Give the guest's user a password, or take it away",
      load: async () => (await import('../commands/set-password.ts')).setPassword,
    },
    {
      name: 'port',
      summary: 'Forward ports of this machine to a VM',
      commands: [
        {
          name: 'add',
          summary: 'Forward a port to a VM',
          load: async () => (await import('../commands/port-add.ts')).portAdd,
        },
        {
          name: 'remove',
          summary: 'Take a forwarded port away',
          load: async () => (await import('../commands/port-remove.ts')).portRemove,
        },
        {
          name: 'list',
          summary: 'List the forwarded ports of a VM',
          load: async () => (await import('../commands/port-list.ts')).portList,
        },
      ],
    },
    {
      name: 'logs',
      summary: 'Show what was done with a VM, and what its guest says',
      load: async () => (await import('../commands/logs.ts')).logs,
    },
    {
      name: 'console',
      summary: 'Join the serial console of a VM',
      load: async () => (await import('../commands/console.ts')).consoleCommand,
    },
  ],
};
