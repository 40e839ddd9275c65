import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { bindArguments, bindOptions, requireGuestArgv } from './bind.ts';
import { colorsFor } from './colors.ts';
import type { CommandEntry } from './entry.ts';
import {
  errorDocument,
  errorLines,
  exitCodeOf,
  type FailedOperation,
  toJson,
} from './error-output.ts';
import { type Found, findCommand } from './find-command.ts';
import { globalOptions } from './globals.ts';
import { commandHelp, groupHelp, rootHelp } from './help.ts';
import { parseWords, splitAtDashes } from './parse-argv.ts';
import { registerSecrets } from './register-secrets.ts';
import type { Terminal } from './terminal.ts';
import { versionText } from './version.ts';

/** The words of one command line, split but not yet understood. */
interface Words {
  readonly words: readonly string[];
  readonly guestArgv: readonly string[] | undefined;
}

/**
 * Runs one command line and returns the exit code (docs/reference/cli.md). Prints everything, errors too; never
 * throws. `overrides` replace parts of the graph in tests.
 */
export async function runLine(
  argv: readonly string[],
  terminal: Terminal,
  overrides: Partial<Ctx> = {},
): Promise<number> {
  registerSecrets(terminal.env, argv);
  const split = splitAtDashes(argv);
  try {
    return await answer(split, terminal, overrides);
  } catch (error) {
    return fail(error, split.words, { terminal });
  }
}

async function answer(split: Words, terminal: Terminal, overrides: Partial<Ctx>): Promise<number> {
  const globals = bindOptions(
    globalOptions,
    parseWords(split.words, globalOptions, { line: undefined }).options,
  );
  if (globals.version) {
    terminal.stdout.write(versionText(globals.json));
    return 0;
  }
  const found = findCommand(split.words);
  if (globals.help || found.help) {
    terminal.stdout.write(await helpOf(found));
    return 0;
  }
  if (found.command !== undefined)
    return run(found.command, { found, split }, { terminal, overrides });
  if (found.group !== undefined) {
    const names = found.group.commands.map(({ name }) => name);
    throw new CloneboxError('usage', `${lineOf(found)} needs a command: ${names.join(', ')}`, {
      hint: `See: ${lineOf(found)} --help`,
      facts: { commands: names },
    });
  }
  // Options alone: an unknown one is an error, nothing at all asks for help.
  parseWords(split.words, globalOptions, { line: 'clonebox' });
  terminal.stdout.write(rootHelp());
  return 0;
}

async function run(
  entry: CommandEntry,
  { found, split }: { found: Found; split: Words },
  { terminal, overrides }: { terminal: Terminal; overrides: Partial<Ctx> },
): Promise<number> {
  const command = await entry.load();
  requireGuestArgv(lineOf(found), command, split.guestArgv);
  const raw = parseWords(
    split.words,
    { ...globalOptions, ...command.options },
    { line: lineOf(found) },
  );
  const own = raw.operands.slice(found.path.length);
  // For other commands `--` only ends the options.
  const operands = command.guestArgv === undefined ? [...own, ...(split.guestArgv ?? [])] : own;
  const call = {
    name: found.path.join(' '),
    command,
    globals: bindOptions(globalOptions, raw.options),
    options: bindOptions(command.options, raw.options),
    args: bindArguments(lineOf(found), command, operands),
    guestArgv: command.guestArgv === undefined ? [] : (split.guestArgv ?? []),
  };
  const { runCommand } = await import('./run-command.ts');
  const ending = await runCommand(call, terminal, overrides);
  if (ending.kind === 'done') return ending.code;
  return fail(ending.error, split.words, { terminal, operation: ending.operation });
}

async function helpOf(found: Found): Promise<string> {
  if (found.command !== undefined) {
    return commandHelp(lineOf(found), found.command.summary, await found.command.load());
  }
  return found.group === undefined ? rootHelp() : groupHelp(found.group);
}

function lineOf(found: Found): string {
  return ['clonebox', ...found.path].join(' ');
}

/** Prints a failure and returns its exit code. */
function fail(
  error: unknown,
  words: readonly string[],
  { terminal, operation }: { terminal: Terminal; operation?: FailedOperation },
): number {
  const verbose = words.includes('--verbose') || words.includes('-v');
  // Read from the words themselves: they may be what is wrong.
  if (words.includes('--json')) {
    terminal.stdout.write(`${toJson(errorDocument(error, { verbose, operation }))}\n`);
  } else {
    const wanted = !words.includes('--no-color');
    const colors = colorsFor({ isTty: terminal.isTty.stderr, wanted, env: terminal.env });
    terminal.stderr.write(`${errorLines(error, { colors, verbose, operation }).join('\n')}\n`);
  }
  return exitCodeOf(error);
}
