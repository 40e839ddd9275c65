import { CloneboxError, reasonOf } from '../core/errors.ts';
import { printable, quoted } from '../lib/printable.ts';
import type { ArgumentSpecs, ArgumentValues, Command } from './command.ts';
import { longName, type OptionSpec, type OptionSpecs, type OptionValues } from './option.ts';
import type { RawWords } from './parse-argv.ts';

/** Turns option texts into the values a command asked for. Fails with `usage` and names the option. */
export function bindOptions<S extends OptionSpecs>(
  specs: S,
  raw: RawWords['options'],
): OptionValues<S> {
  const values = Object.entries(specs).map(([key, spec]) => [
    key,
    optionValue(key, spec, raw[key]),
  ]);
  return Object.fromEntries(values) as OptionValues<S>;
}

function optionValue(key: string, spec: OptionSpec, given: unknown): unknown {
  if (spec.kind === 'flag') return given ?? spec.negated ?? false;
  if (spec.kind === 'values') {
    return ((given ?? []) as string[]).map((text) =>
      parseArgument(longName(key, spec), text, spec.parse),
    );
  }
  return typeof given === 'string'
    ? parseArgument(longName(key, spec), given, spec.parse)
    : undefined;
}

/** Reads one word; a `RangeError` of `parse` becomes `usage` with the name of what was read. */
export function parseArgument<T>(name: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CloneboxError('usage', `${name}: ${quoted(text)} ${reasonOf(error)}`, {
      facts: { name, value: text },
      cause: error,
    });
  }
}

/** Gives the operands their names. Fails with `usage` when one is missing or left over. */
export function bindArguments(
  line: string,
  command: Command,
  operands: readonly string[],
): ArgumentValues<ArgumentSpecs> {
  const specs = Object.entries(command.arguments);
  const missing = specs.find(([, spec], index) => spec.required && operands[index] === undefined);
  if (missing !== undefined) {
    const [name, { summary }] = missing;
    throw new CloneboxError('usage', `${line} needs ${name.toUpperCase()}: ${summary}`, {
      hint: `See: ${line} --help`,
      facts: { argument: name },
    });
  }
  const many = specs.findIndex(([, spec]) => spec.many);
  const extra = (many < 0 ? operands.slice(specs.length) : []).map((word) => printable(word));
  if (extra.length > 0) {
    const most = specs.length === 0 ? 'no arguments' : `at most ${specs.length}`;
    throw new CloneboxError('usage', `too many arguments: ${line} takes ${most}`, {
      hint: command.guestArgv
        ? `What the guest is to run comes after --: ${line} [vm] -- ${extra.join(' ')}`
        : `See: ${line} --help`,
      facts: { extra },
    });
  }
  const values = specs.map(([name], index) => [
    name,
    index === many ? operands.slice(index) : operands[index],
  ]);
  // Which of them takes many, no compiler knows.
  return Object.fromEntries(values) as ArgumentValues<ArgumentSpecs>;
}

/** Refuses a guest command that is not set apart by `--`: its own options would be taken for ours. */
export function requireGuestArgv(
  line: string,
  command: Command,
  guestArgv: readonly string[] | undefined,
): void {
  if (command.guestArgv !== 'required' || (guestArgv ?? []).length > 0) return;
  throw new CloneboxError('usage', `${line} needs -- before the command for the guest`, {
    hint: `For example: ${line} [vm] -- ls -l`,
  });
}
