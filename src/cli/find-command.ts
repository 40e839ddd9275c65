import { CloneboxError } from '../core/errors.ts';
import { nearest } from '../lib/near.ts';
import { quoted } from '../lib/printable.ts';
import { type CommandEntry, type Entry, type GroupEntry, isGroup } from './entry.ts';
import { globalOptions } from './globals.ts';
import { parseWords } from './parse-argv.ts';
import { entries } from './registry.ts';

/** The command that the words name. */
export interface Found {
  readonly path: readonly string[];
  readonly command?: CommandEntry;
  /** A word that needs another one behind it. */
  readonly group?: GroupEntry;
  /** `clonebox help …` */
  readonly help: boolean;
}

/**
 * Finds the command without loading it. No command word at all gives an empty path. Fails with `usage` for an
 * unknown one.
 */
export function findCommand(words: readonly string[]): Found {
  const { operands } = parseWords(words, globalOptions, { line: undefined });
  const help = operands[0] === 'help';
  const [first, second] = help ? operands.slice(1) : operands;
  if (first === undefined) return { path: [], help };
  const entry = pick(first, entries, []);
  if (!isGroup(entry)) return { path: [entry.name], command: entry, help };
  if (second === undefined) return { path: [entry.name], group: entry, help };
  const command = pick(second, entry.commands, [entry.name]);
  return { path: [entry.name, command.name], command, help };
}

function pick<T extends Entry>(word: string, among: readonly T[], path: readonly string[]): T {
  const found = among.find((entry) => entry.name === word || entry.aliases?.includes(word));
  if (found !== undefined) return found;
  const near = nearest(
    word,
    among.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]),
  );
  const before = ['clonebox', ...path].join(' ');
  throw new CloneboxError('usage', `${before} has no command ${quoted(word)}`, {
    hint: near ? `Did you mean: ${before} ${near}` : `See what there is: ${before} --help`,
    facts: { word, ...(near && { near }) },
  });
}
