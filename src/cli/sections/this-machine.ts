import type { Section } from '../entry.ts';

export const thisMachine: Section = {
  title: 'This machine',
  entries: [
    {
      name: 'doctor',
      summary: 'Check what this machine can do',
      load: async () => (await import('../commands/doctor.ts')).doctor,
    },
    {
      name: 'detect',
      summary: 'Look at what this workstation has, and how that is known',
      load: async () => (await import('../commands/detect.ts')).detect,
    },
    {
      name: 'recover',
      summary: 'Take back what interrupted operations left',
      load: async () => (await import('../commands/recover.ts')).recover,
    },
    {
      name: 'audit',
      summary: 'What was done with CloneBox, by whom, and how it ended',
      commands: [
        {
          name: 'list',
          summary: 'List the last events',
          load: async () => (await import('../commands/audit-list.ts')).auditList,
        },
        {
          name: 'search',
          summary: 'Find events in the whole log',
          load: async () => (await import('../commands/audit-search.ts')).auditSearch,
        },
        {
          name: 'show',
          summary: 'Show everything about one event',
          load: async () => (await import('../commands/audit-show.ts')).auditShow,
        },
        {
          name: 'failures',
          summary: 'List what failed or was refused',
          load: async () => (await import('../commands/audit-failures.ts')).auditFailures,
        },
        {
          name: 'export',
          summary: 'Write events out as JSON, CSV or lines',
          load: async () => (await import('../commands/audit-export.ts')).auditExport,
        },
        {
          name: 'tail',
          summary: 'Show the last events, and those that come',
          load: async () => (await import('../commands/audit-tail.ts')).auditTail,
        },
        {
          name: 'verify',
          summary: 'Check that no line was changed, removed or inserted',
          load: async () => (await import('../commands/audit-verify.ts')).auditVerify,
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
          load: async () => (await import('../commands/bench-create.ts')).benchCreate,
        },
        {
          name: 'density',
          summary: 'Measure how much memory running clones take',
          load: async () => (await import('../commands/bench-density.ts')).benchDensity,
        },
        {
          name: 'cli',
          summary: 'Measure the command line itself',
          load: async () => (await import('../commands/bench-cli.ts')).benchCli,
        },
        {
          name: 'audit',
          summary: 'Measure the audit log',
          load: async () => (await import('../commands/bench-audit.ts')).benchAudit,
        },
        {
          name: 'detect',
          summary: 'Measure how long a look at this workstation takes',
          load: async () => (await import('../commands/bench-detect.ts')).benchDetect,
        },
      ],
    },
  ],
};
