import { defineCommand } from '../command.ts';
import { renderTable } from '../render/table.ts';

export const profileList = defineCommand({
  description: `Lists the profiles that a project can use: its own in .clonebox/profiles, yours in ~/.config/clonebox/profiles, and those that come with CloneBox. Of two with the same name the first in this order is taken.`,
  arguments: { path: { summary: 'path of a project or its file; default: this directory' } },
  options: {},
  examples: [
    { line: 'clonebox profile list', what: 'a table' },
    { line: 'clonebox profile list --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { listProfiles } = await import('../../ops/profile.ts');
    return listProfiles(ctx, { target: args.path, cwd });
  },
  render: ({ profiles }, look) =>
    renderTable(
      {
        head: ['NAME', 'FROM', 'DESCRIPTION'],
        rows: profiles.map(({ name, from, description, problems }) => [
          name,
          from,
          problems > 0 ? `broken: see clonebox profile show ${name}` : (description ?? '-'),
        ]),
      },
      look,
    ),
});
