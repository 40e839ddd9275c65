import { describe, expect, it } from 'vitest';
import { bindArguments, bindOptions, requireGuestArgv } from './bind.ts';
import { isGroup } from './entry.ts';
import { findCommand } from './find-command.ts';
import { globalOptions } from './globals.ts';
import { commandHelp, groupHelp, rootHelp } from './help.ts';
import { parseWords, splitAtDashes } from './parse-argv.ts';
import { entries, registry } from './registry.ts';
import { widthOf } from './text.ts';

const commands = await Promise.all(
  entries.flatMap((entry) =>
    (isGroup(entry) ? entry.commands : [entry]).map(async (one) => ({
      line: ['clonebox', ...(isGroup(entry) ? [entry.name] : []), one.name].join(' '),
      summary: one.summary,
      command: await one.load(),
    })),
  ),
);

function expectToFit(text: string): void {
  expect(text.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
}

describe('the registry', () => {
  it('names every command once', () => {
    const names = entries.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has a section for every entry, and no empty one', () => {
    expect(registry.every((section) => section.entries.length > 0)).toBe(true);
  });

  it('gives `ls` as another word for list', () => {
    expect(findCommand(['ls']).path).toEqual(['list']);
  });

  it('fits the help of everything into 80 columns', () => {
    expectToFit(rootHelp());
    for (const entry of entries.filter(isGroup)) expectToFit(groupHelp(entry));
  });
});

describe.each(commands)('$line', ({ line, summary, command }) => {
  it('has a summary without a full stop, a description and two or three examples', () => {
    expect(summary).toMatch(/^[A-Z].*[^.]$/);
    expect(command.description).toMatch(/\.$/);
    expect(command.examples.length).toBeGreaterThanOrEqual(2);
    expect(command.examples.length).toBeLessThanOrEqual(3);
  });

  it('has help that fits into 80 columns', () => {
    expectToFit(commandHelp(line, summary, command));
  });

  it('has no option that is one of every command', () => {
    const shorts = Object.values(globalOptions).flatMap((one) => ('short' in one ? one.short : []));
    const own = Object.values(command.options).flatMap((one) => one.short ?? []);
    expect(Object.keys(command.options).filter((key) => key in globalOptions)).toEqual([]);
    expect(own.filter((short) => shorts.some((one) => one === short))).toEqual([]);
  });

  it.each(command.examples.map((example) => example.line))('takes its own example: %s', (text) => {
    const shell = text
      .replace(/ >.*$/, '')
      .replaceAll(/'([^']*)'/g, (_, quoted) => quoted.replaceAll(' ', '_'));
    const { words, guestArgv } = splitAtDashes(shell.split(' ').slice(1));
    const found = findCommand(words);
    expect(['clonebox', ...found.path].join(' ')).toBe(line);
    const raw = parseWords(words, { ...globalOptions, ...command.options }, { line });
    expect(() => bindOptions(command.options, raw.options)).not.toThrow();
    expect(() => bindArguments(line, command, raw.operands.slice(found.path.length))).not.toThrow();
    expect(() => requireGuestArgv(line, command, guestArgv)).not.toThrow();
  });
});
