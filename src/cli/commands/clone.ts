import { CloneboxError } from '../../core/errors.ts';
import type { CloneInput, CloneResult } from '../../ops/clone.ts';
import type { DryRun } from '../../ops/dry-run.ts';
import { defineCommand } from '../command.ts';
import { vmArgument } from '../common.ts';
import { renderMade } from '../render/made.ts';
import { renderPlan } from '../render/plan.ts';
import {
  choicesOf,
  draftOptions,
  makeOptions,
  overridesOf,
  templateWish,
} from './clone-options.ts';

export const clone = defineCommand({
  description: `Makes a virtual machine of a project: finds out what it needs, writes .clonebox.yaml if there is none, makes the VM and proves that it works. The project directory is shared live with it.

With an unchanged configuration a second call changes nothing. When the configuration has changed, it says what, and --apply or --replace go on. On failure, Ctrl-C or a crash everything that was made is taken back; only the configuration file stays.`,
  arguments: { vm: vmArgument },
  options: {
    ...makeOptions,
    ...draftOptions,
    edit: { kind: 'flag', summary: 'open the configuration file before anything is made' },
    dryRun: { kind: 'flag', summary: 'show what would be made; write nothing, ask nothing' },
    apply: { kind: 'flag', summary: 'take changes over that need no new VM' },
    replace: {
      kind: 'flag',
      summary: 'build a new VM beside the old one and swap them when it is ready',
    },
  },
  examples: [
    { line: 'clonebox clone --run', what: 'a VM of this directory, ready to use' },
    { line: 'clonebox clone ~/shop --dry-run', what: 'what would be made of another directory' },
    { line: 'clonebox clone --run --memory 4G --cpus 4', what: 'with more than the default' },
  ],
  run: async ({
    ctx,
    args,
    options,
    globals,
    cwd,
    trust,
    show,
    streams,
  }): Promise<CloneResult | DryRun> => {
    if (options.edit && !(streams.stdinIsTty && streams.stdoutIsTty)) {
      throw new CloneboxError('usage', '--edit needs a terminal', {
        hint: 'Write the file with clonebox init, edit it, then: clonebox clone',
      });
    }
    const { run, wait, apply, replace, keepFailed } = options;
    const input: CloneInput = {
      target: args.vm,
      cwd,
      overrides: overridesOf(options, { ctx, globals, cwd }),
      choices: choicesOf(options),
      edit: options.edit,
      ...{ run, wait, apply, replace, keepFailed },
      template: templateWish(options),
      trust,
      show,
      strict: false,
    };
    return options.dryRun
      ? (await import('../../ops/dry-run.ts')).dryRun(ctx, input)
      : (await import('../../ops/clone.ts')).clone(ctx, input);
  },
  render: (data, look) => ('plan' in data ? renderPlan(data.plan, look) : renderMade(data, look)),
});
