import { CloneboxError } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { countOption, textOption, userFlag, vmArgument } from '../common.ts';

export const logs = defineCommand({
  description: `Shows the last lines of a VM's serial console, also when it is off; with --journal or --unit those of its guest's journal, when it runs. Ctrl-C ends -f.`,
  arguments: { vm: vmArgument },
  options: {
    follow: { kind: 'flag', short: 'f', summary: 'go on with what comes' },
    tail: countOption('lines to begin with; default: 50', 0),
    journal: { kind: 'flag', summary: "the guest's journal" },
    unit: textOption('UNIT', "the guest's journal of one unit"),
    user: userFlag,
  },
  examples: [
    { line: 'clonebox logs -f', what: 'the console of the VM of this directory, and on' },
    {
      line: 'clonebox logs shop --unit clonebox-run-web --tail 200',
      what: 'a command of the project',
    },
  ],
  run: async ({ ctx, args, options, globals, cwd, streams }) => {
    const { follow, unit, journal, tail } = options;
    if (globals.json && follow) {
      throw new CloneboxError('usage', '-f never ends, and --json is one document', {
        hint: 'Leave out one of them.',
      });
    }
    const ops = await import('../../ops/logs.ts');
    const lines: string[] = [];
    const print = (some: readonly string[]) => {
      if (globals.json) lines.push(...some);
      else for (const line of some) streams.write('stdout', Buffer.from(`${line}\n`));
    };
    await ops.logs(ctx, {
      target: args.vm,
      cwd,
      source: journal || unit !== undefined ? 'journal' : 'serial',
      unit,
      lines: tail ?? 50,
      follow,
      onLines: print,
    });
    return { lines };
  },
  render: () => [],
});
