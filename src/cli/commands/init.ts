import { defineCommand } from '../command.ts';
import { choicesOf, draftOptions, overridesOf, planOptions } from './clone-options.ts';

export const init = defineCommand({
  description: `Looks at a project and writes .clonebox.yaml for it, with comments. Fails when there is one; makes no VM.`,
  arguments: { path: { summary: 'directory of the project; default: this directory' } },
  options: { ...planOptions, ...draftOptions },
  examples: [
    { line: 'clonebox init', what: 'for this directory' },
    { line: 'clonebox init ~/shop --memory 4G', what: 'for another one, with more memory' },
    { line: 'clonebox init --profile node --profile redis-7', what: 'on top of profiles' },
  ],
  run: async ({ ctx, args, options, globals, cwd }) => {
    const ops = await import('../../ops/init.ts');
    return ops.init(ctx, {
      target: args.path,
      cwd,
      overrides: overridesOf(options, { ctx, globals, cwd }),
      choices: choicesOf(options),
    });
  },
  render: (data) => [`wrote ${data.file}`, 'Make a VM of it: clonebox clone --run'],
});
