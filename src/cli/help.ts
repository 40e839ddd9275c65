import type { ArgumentSpec, Command } from './command.ts';
import { type Entry, type GroupEntry, isGroup } from './entry.ts';
import { globalOptions } from './globals.ts';
import { longName, type OptionSpec, type OptionSpecs } from './option.ts';
import { registry } from './registry.ts';
import { padTo, widthOf, wrapTo } from './text.ts';

const columns = 80;
/** Where the second column of a list begins at the latest. */
const widestLeft = 26;

type Row = readonly [left: string, right: string];

/** `clonebox --help`: names and summaries, nothing that must be loaded. */
export function rootHelp(): string {
  return page([
    ['Usage: clonebox COMMAND [options]'],
    ['Clones your project and what it needs into an isolated virtual machine.'],
    ...registry.map((section) => [`${section.title}:`, ...table(section.entries.map(entryRow))]),
    ['Options of every command:', ...table(optionRows(globalOptions))],
    ['More about one command: clonebox COMMAND --help'],
  ]);
}

/** Help of a word that has commands below it. */
export function groupHelp(group: GroupEntry): string {
  return page([
    [`Usage: clonebox ${group.name} COMMAND [options]`],
    [`${group.summary}.`],
    ['Commands:', ...table(group.commands.map(entryRow))],
    [`More about one command: clonebox ${group.name} COMMAND --help`],
  ]);
}

/** Help of one command. */
export function commandHelp(line: string, summary: string, command: Command): string {
  const args = Object.entries(command.arguments).map(([name, spec]): Row => [name, spec.summary]);
  const examples = command.examples.flatMap((example) => [
    `  ${example.line}`,
    ...wrapTo(example.what, columns - 6).map((text) => `      ${text}`),
  ]);
  return page([
    wrapTo(`Usage: ${usageLine(line, command)}`, columns),
    [`${summary}.`],
    wrapTo(command.description, columns),
    ...(args.length > 0 ? [['Arguments:', ...table(args)]] : []),
    ...(Object.keys(command.options).length > 0
      ? [['Options:', ...table(optionRows(command.options))]]
      : []),
    ['Examples:', ...examples],
    wrapTo(`Every command also takes: ${globalNames()} (see clonebox --help)`, columns),
  ]);
}

/** `clonebox exec [vm] [options] -- COMMAND...` */
export function usageLine(line: string, command: Command): string {
  const args = Object.entries(command.arguments).map(([name, spec]) => argumentText(name, spec));
  const options = Object.keys(command.options).length > 0 ? ['[options]'] : [];
  const guest = { required: ['-- COMMAND...'], optional: ['[-- COMMAND...]'], none: [] };
  return [line, ...args, ...options, ...guest[command.guestArgv ?? 'none']].join(' ');
}

/** An argument as it is written: `NAME`, `[name]`, `[name...]`. */
export function argumentText(name: string, spec: ArgumentSpec): string {
  if (spec.required) return name.toUpperCase();
  return spec.many ? `[${name}...]` : `[${name}]`;
}

/** Each option as it is written, and what it does. */
export function optionRows(specs: OptionSpecs): Row[] {
  return Object.entries(specs).map(([key, spec]) => [optionText(key, spec), optionSummary(spec)]);
}

function optionText(key: string, spec: OptionSpec): string {
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  return `${short}${longName(key, spec)}${spec.kind === 'flag' ? '' : ` ${spec.value}`}`;
}

function optionSummary(spec: OptionSpec): string {
  return spec.kind === 'values' ? `${spec.summary}; may be repeated` : spec.summary;
}

function entryRow(entry: Entry): Row {
  const names = [entry.name, ...(entry.aliases ?? [])].join(', ');
  return [isGroup(entry) ? `${names} ...` : names, entry.summary];
}

function globalNames(): string {
  return Object.entries(globalOptions)
    .filter(([key]) => key !== 'help' && key !== 'version')
    .map(([key, spec]) => longName(key, spec))
    .join(' ');
}

/** Two columns; a left side that is too long has its line alone. */
function table(rows: readonly Row[]): string[] {
  const left = Math.min(widestLeft, Math.max(...rows.map(([text]) => widthOf(text))));
  return rows.flatMap(([text, summary]) => {
    const lines = wrapTo(summary, columns - left - 4);
    const alone = widthOf(text) > left ? [`  ${text}`] : [];
    const first = alone.length > 0 ? '' : text;
    return [
      ...alone,
      ...lines.map((line, index) => `  ${padTo(index === 0 ? first : '', left)}  ${line}`),
    ];
  });
}

function page(blocks: readonly (readonly string[])[]): string {
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
}
