import { Command as Commander, CommanderError, Option } from 'commander';
import { CloneboxError } from '../core/errors.ts';
import { nearest } from '../lib/near.ts';
import { quoted } from '../lib/printable.ts';
import { longName, type OptionSpec, type OptionSpecs } from './option.ts';

/** What commander made of a command line: option values as text, and the rest. */
export interface RawWords {
  /** By the keys of the specs; absent when not given. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
}

/** The words of CloneBox, and the words after the first `--` if there is one. */
export function splitAtDashes(argv: readonly string[]): {
  words: readonly string[];
  guestArgv: readonly string[] | undefined;
} {
  const at = argv.indexOf('--');
  if (at < 0) return { words: argv, guestArgv: undefined };
  return { words: argv.slice(0, at), guestArgv: argv.slice(at + 1) };
}

/**
 * Splits words into options and operands by these specs. Fails with `usage`. Without a command line to speak of
 * (`line`), unknown options are left aside: they may be those of the command that is looked for.
 */
export function parseWords(
  words: readonly string[],
  specs: OptionSpecs,
  { line }: { line: string | undefined },
): RawWords {
  const commander = new Commander().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const [key, spec] of Object.entries(specs)) commander.addOption(commanderOption(key, spec));
  try {
    const parsed = commander.parseOptions([...words]);
    const [stranger] = parsed.unknown;
    if (stranger !== undefined && line !== undefined) throw unknownOption(stranger, specs, line);
    return { options: commander.opts(), operands: parsed.operands };
  } catch (error) {
    throw error instanceof CommanderError ? usageError(error) : error;
  }
}

function commanderOption(key: string, spec: OptionSpec): Option {
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  const option = new Option(
    `${short}${longName(key, spec)}${spec.kind === 'flag' ? '' : ` <${spec.value}>`}`,
  );
  if (spec.kind === 'values') {
    option.argParser((text, before: readonly string[] | undefined) => [...(before ?? []), text]);
  }
  return option;
}

function unknownOption(word: string, specs: OptionSpecs, line: string): CloneboxError {
  const [name = word] = word.split('=');
  const known = Object.entries(specs).map(([key, spec]) => longName(key, spec));
  if (known.includes(name)) {
    return new CloneboxError('usage', `${name} takes no value`, { facts: { option: name } });
  }
  const near = nearest(
    name.replace(/^-+/, ''),
    known.map((long) => long.slice(2)),
  );
  return new CloneboxError('usage', `unknown option ${quoted(name)}`, {
    hint: near ? `Did you mean: --${near}` : `See: ${line} --help`,
    facts: { option: name, ...(near && { near: `--${near}` }) },
  });
}

/** Commander says "error: option '--x <Y>' argument missing". */
function usageError(error: CommanderError): CloneboxError {
  return new CloneboxError('usage', error.message.replace(/^error: /, ''), { cause: error });
}
