import { CloneboxError } from '../../core/errors.ts';
import { captureOutput } from '../capture.ts';
import { defineCommand } from '../command.ts';
import { durationOption, textOption, userFlag, vmArgument } from '../common.ts';

export const exec = defineCommand({
  description: `Runs a command in a running VM, as the guest user and in the project's directory, with each word exactly as given, and ends with the status of that command. Its output is passed on as it comes; with --json it is in the document.

Standard input is passed on only with -i, so that a script that calls clonebox keeps its own. A timeout or Ctrl-C ends the command in the guest too.`,
  arguments: { vm: vmArgument },
  guestArgv: 'required',
  options: {
    tty: { kind: 'flag', short: 't', summary: 'with a terminal, for programs that want one' },
    interactive: { kind: 'flag', short: 'i', summary: 'pass standard input on' },
    as: textOption('USER', 'root or another user of the guest'),
    cwd: textOption('DIR', 'directory in the guest'),
    env: {
      kind: 'values',
      value: 'K=V',
      summary: 'environment variable',
      parse: parseVariable,
    },
    timeout: durationOption('end it after this time, for example 90s; exit code 11'),
    user: userFlag,
  },
  examples: [
    { line: 'clonebox exec -- npm test', what: 'in the VM of this directory' },
    { line: 'clonebox exec shop --as root -- apt-get install -y jq', what: 'as root' },
    { line: 'clonebox exec -t -- htop', what: 'a program that draws on the terminal' },
  ],
  run: async ({ ctx, args, options, guestArgv, globals, cwd, streams }) => {
    const { tty, interactive } = options;
    if (globals.json && (tty || interactive)) {
      throw new CloneboxError(
        'usage',
        '--json takes no -t and no -i: they tie the command to this terminal',
      );
    }
    if (tty && !(streams.stdinIsTty && streams.stdoutIsTty)) {
      throw new CloneboxError('usage', '-t needs a terminal, and this is none', {
        hint: 'Leave out -t; to pass standard input on, give -i.',
      });
    }
    const { exec: run } = await import('../../ops/exec.ts');
    const captured = captureOutput();
    const exitCode = await run(ctx, {
      target: args.vm,
      cwd,
      argv: guestArgv,
      as: options.as,
      guestCwd: options.cwd,
      env: Object.fromEntries(options.env),
      timeout: options.timeout,
      tty,
      stdin: interactive,
      onOutput: globals.json ? captured.add : streams.write,
    });
    return { exitCode, ...captured.texts() };
  },
  render: () => [],
  exitCode: (data) => data.exitCode,
});

function parseVariable(text: string): readonly [string, string] {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
  if (match === null) throw new RangeError('is not NAME=VALUE');
  return [match[1] ?? '', match[2] ?? ''];
}
