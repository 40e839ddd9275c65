import { defineCommand } from '../command.ts';

export const configValidate = defineCommand({
  description: `Checks the configuration file of a project and lists every problem with its line. Exit code 3 when there is one.`,
  arguments: { path: { summary: 'path of a project or its file; default: this directory' } },
  options: {},
  examples: [
    { line: 'clonebox config validate', what: 'the file of this directory' },
    { line: 'clonebox config validate ci/.clonebox.yaml --json', what: 'for scripts' },
  ],
  run: async ({ ctx, args, cwd }) => {
    const { validateConfig } = await import('../../ops/config.ts');
    return validateConfig(ctx, { target: args.path, cwd });
  },
  render: (data) => [`${data.file} is valid`],
});
