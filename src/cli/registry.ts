import type { Entry, Section } from './entry.ts';

/** Every command, in the order of help. To add one: a file below commands/ and a line here. */
export const registry: readonly Section[] = [
  {
    title: 'Virtual machines',
    entries: [
      {
        name: 'clone',
        summary: 'Make the VM of a project',
        load: async () => (await import('./commands/clone.ts')).clone,
      },
      {
        name: 'create',
        summary: 'Make a VM from an existing configuration file',
        load: async () => (await import('./commands/create.ts')).create,
      },
      {
        name: 'start',
        summary: 'Start a VM and wait until it is ready',
        load: async () => (await import('./commands/start.ts')).start,
      },
      {
        name: 'stop',
        summary: 'Stop a VM',
        load: async () => (await import('./commands/stop.ts')).stop,
      },
      {
        name: 'restart',
        summary: 'Stop and start a VM',
        load: async () => (await import('./commands/restart.ts')).restart,
      },
      {
        name: 'delete',
        summary: 'Delete a VM; the project stays as it is',
        load: async () => (await import('./commands/delete.ts')).deleteCommand,
      },
      {
        name: 'list',
        summary: 'List all VMs',
        aliases: ['ls'],
        load: async () => (await import('./commands/list.ts')).list,
      },
      {
        name: 'status',
        summary: 'Show everything about one VM',
        load: async () => (await import('./commands/status.ts')).status,
      },
      {
        name: 'diff',
        summary: 'Show where a VM has drifted from its file and this workstation',
        load: async () => (await import('./commands/diff.ts')).diff,
      },
    ],
  },
  {
    title: 'Inside a VM',
    entries: [
      {
        name: 'exec',
        summary: 'Run a command in a VM',
        load: async () => (await import('./commands/exec.ts')).exec,
      },
      {
        name: 'ssh',
        summary: 'Log in to a VM',
        load: async () => (await import('./commands/ssh.ts')).ssh,
      },
      {
        name: 'ssh-config',
        summary: 'Print how other programs reach a VM by ssh',
        load: async () => (await import('./commands/ssh-config.ts')).sshConfig,
      },
      {
        name: 'cp',
        summary: 'Copy files into a VM or out of it',
        load: async () => (await import('./commands/cp.ts')).cp,
      },
      {
        name: 'port',
        summary: 'Forward ports of this machine to a VM',
        commands: [
          {
            name: 'add',
            summary: 'Forward a port to a VM',
            load: async () => (await import('./commands/port-add.ts')).portAdd,
          },
          {
            name: 'remove',
            summary: 'Take a forwarded port away',
            load: async () => (await import('./commands/port-remove.ts')).portRemove,
          },
          {
            name: 'list',
            summary: 'List the forwarded ports of a VM',
            load: async () => (await import('./commands/port-list.ts')).portList,
          },
        ],
      },
      {
        name: 'logs',
        summary: 'Show what was done with a VM, and what its guest says',
        load: async () => (await import('./commands/logs.ts')).logs,
      },
      {
        name: 'console',
        summary: 'Join the serial console of a VM',
        load: async () => (await import('./commands/console.ts')).consoleCommand,
      },
    ],
  },
  {
    title: 'Images',
    entries: [
      {
        name: 'image',
        summary: 'Base images that VMs are made from',
        commands: [
          {
            name: 'list',
            summary: 'List the images in the cache',
            load: async () => (await import('./commands/image-list.ts')).imageList,
          },
          {
            name: 'pull',
            summary: 'Fetch an image',
            load: async () => (await import('./commands/image-pull.ts')).imagePull,
          },
          {
            name: 'build',
            summary: "Build an image from this machine's package sources",
            load: async () => (await import('./commands/image-build.ts')).imageBuild,
          },
          {
            name: 'import',
            summary: 'Copy a disk file into the cache',
            load: async () => (await import('./commands/image-import.ts')).imageImport,
          },
          {
            name: 'prune',
            summary: 'Remove images that no VM needs',
            load: async () => (await import('./commands/image-prune.ts')).imagePrune,
          },
        ],
      },
    ],
  },
  {
    title: 'Configuration',
    entries: [
      {
        name: 'init',
        summary: 'Write the configuration file of a project',
        load: async () => (await import('./commands/init.ts')).init,
      },
      {
        name: 'config',
        summary: 'Look at configurations',
        commands: [
          {
            name: 'show',
            summary: 'Show a configuration with nothing left to a default',
            load: async () => (await import('./commands/config-show.ts')).configShow,
          },
          {
            name: 'migrate',
            summary: 'Write a configuration file of version 1 as version 2',
            load: async () => (await import('./commands/config-migrate.ts')).configMigrate,
          },
          {
            name: 'schema',
            summary: 'Print the JSON Schema of the configuration file',
            load: async () => (await import('./commands/config-schema.ts')).configSchema,
          },
          {
            name: 'validate',
            summary: 'Check a configuration file',
            load: async () => (await import('./commands/config-validate.ts')).configValidate,
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
            load: async () => (await import('./commands/profile-list.ts')).profileList,
          },
          {
            name: 'show',
            summary: 'Show what a profile says, and where each value is from',
            load: async () => (await import('./commands/profile-show.ts')).profileShow,
          },
        ],
      },
    ],
  },
  {
    title: 'This machine',
    entries: [
      {
        name: 'doctor',
        summary: 'Check what this machine can do',
        load: async () => (await import('./commands/doctor.ts')).doctor,
      },
      {
        name: 'detect',
        summary: 'Look at what this workstation has, and how that is known',
        load: async () => (await import('./commands/detect.ts')).detect,
      },
      {
        name: 'recover',
        summary: 'Take back what interrupted operations left',
        load: async () => (await import('./commands/recover.ts')).recover,
      },
      {
        name: 'audit',
        summary: 'What was done with CloneBox, by whom, and how it ended',
        commands: [
          {
            name: 'list',
            summary: 'List the last events',
            load: async () => (await import('./commands/audit-list.ts')).auditList,
          },
          {
            name: 'search',
            summary: 'Find events in the whole log',
            load: async () => (await import('./commands/audit-search.ts')).auditSearch,
          },
          {
            name: 'show',
            summary: 'Show everything about one event',
            load: async () => (await import('./commands/audit-show.ts')).auditShow,
          },
          {
            name: 'failures',
            summary: 'List what failed or was refused',
            load: async () => (await import('./commands/audit-failures.ts')).auditFailures,
          },
          {
            name: 'export',
            summary: 'Write events out as JSON, CSV or lines',
            load: async () => (await import('./commands/audit-export.ts')).auditExport,
          },
          {
            name: 'tail',
            summary: 'Show the last events, and those that come',
            load: async () => (await import('./commands/audit-tail.ts')).auditTail,
          },
          {
            name: 'verify',
            summary: 'Check that no line was changed, removed or inserted',
            load: async () => (await import('./commands/audit-verify.ts')).auditVerify,
          },
        ],
      },
      {
        name: 'bench',
        summary: 'Measure CloneBox on this machine',
        commands: [
          {
            name: 'create',
            summary: 'Measure how long a new VM takes',
            load: async () => (await import('./commands/bench-create.ts')).benchCreate,
          },
          {
            name: 'cli',
            summary: 'Measure the command line itself',
            load: async () => (await import('./commands/bench-cli.ts')).benchCli,
          },
          {
            name: 'audit',
            summary: 'Measure the audit log',
            load: async () => (await import('./commands/bench-audit.ts')).benchAudit,
          },
          {
            name: 'detect',
            summary: 'Measure how long a look at this workstation takes',
            load: async () => (await import('./commands/bench-detect.ts')).benchDetect,
          },
        ],
      },
    ],
  },
];

/** All entries, without their sections. */
export const entries: readonly Entry[] = registry.flatMap((section) => section.entries);
