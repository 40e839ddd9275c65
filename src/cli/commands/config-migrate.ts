import { defineCommand } from '../command.ts';

export const configMigrate = defineCommand({
  description: `Writes a configuration file of version 1 as version 2, with its comments and in its order, and says of each key what became of it. A file of version 2 stays as it is.`,
  arguments: { path: { summary: 'path of a project or its file; default: this directory' } },
  options: {
    dryRun: { kind: 'flag', summary: 'show what would change; write nothing' },
    backup: { kind: 'flag', summary: 'keep the old file beside the new one, as FILE.v1' },
  },
  examples: [
    { line: 'clonebox config migrate --dry-run', what: 'what would change' },
    { line: 'clonebox config migrate', what: 'the file of this directory' },
  ],
  run: async ({ ctx, args, options, cwd }) => {
    const { migrate } = await import('../../ops/migrate.ts');
    const { dryRun, backup } = options;
    return migrate(ctx, { target: args.path, cwd, dryRun, backup });
  },
  render: async (data, look) => {
    const { renderMigration } = await import('../render/migration.ts');
    return renderMigration(data, look);
  },
});
