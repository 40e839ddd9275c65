import { noChoices } from '../../config/needs/choices.ts';
import type { CloneResult } from '../../ops/clone.ts';
import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { renderMade } from '../render/made.ts';
import { makeOptions, overridesOf, templateWish } from './clone-options.ts';

export const create = defineCommand({
  description: `Makes a VM from a configuration file that is there, and fails when there is none or when the VM exists already: for scripts that want no surprises. Otherwise as clone.`,
  arguments: { vm: vmArgument },
  options: makeOptions,
  examples: [
    { line: 'clonebox create', what: 'a VM from ./.clonebox.yaml, left stopped' },
    { line: 'clonebox create ci/.clonebox.yaml --run', what: 'from that file, and started' },
  ],
  run: async ({ ctx, args, options, globals, cwd, trust, show }): Promise<CloneResult> => {
    const { clone } = await import('../../ops/clone.ts');
    const { run, wait, keepFailed } = options;
    return clone(ctx, {
      target: args.vm,
      cwd,
      overrides: overridesOf(options, { ctx, globals, cwd }),
      ...{ run, wait, keepFailed },
      template: templateWish(options),
      choices: noChoices,
      edit: false,
      apply: false,
      replace: false,
      trust,
      show,
      strict: true,
    });
  },
  render: renderMade,
});
