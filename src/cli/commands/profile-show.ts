import { defineCommand } from '../command.ts';

export const profileShow = defineCommand({
  description: `Shows what a profile says together with those it extends, as YAML, with a comment where each value comes from. Exit code 3 when it is wrong.`,
  arguments: {
    name: { summary: 'name of a profile', required: true },
    path: { summary: 'path of a project or its file; default: this directory' },
  },
  options: {},
  examples: [
    { line: 'clonebox profile show web-stack', what: 'one that comes with CloneBox' },
    { line: 'clonebox profile show base ~/shop --json', what: 'of another project, for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { showProfile } = await import('../../ops/profile.ts');
    return showProfile(ctx, { target: args.path, cwd, name: args.name });
  },
  render: async (data) => (await import('../render/profile.ts')).renderProfile(data),
});
