import { describe, expect, it } from 'vitest';
import { isCloneboxError } from '../core/errors.ts';
import { bindArguments, bindOptions } from './bind.ts';
import { exec } from './commands/exec.ts';
import { countOption, durationOption, nameOption, sizeOption } from './common.ts';
import { findCommand } from './find-command.ts';
import { globalOptions } from './globals.ts';
import type { OptionSpecs } from './option.ts';
import { parseWords, splitAtDashes } from './parse-argv.ts';

/** What a command line of exec means. */
function parseExec(line: readonly string[]) {
  const { words, guestArgv } = splitAtDashes(line);
  const raw = parseWords(words, { ...globalOptions, ...exec.options }, { line: 'clonebox exec' });
  return {
    globals: bindOptions(globalOptions, raw.options),
    options: bindOptions(exec.options, raw.options),
    args: bindArguments('clonebox exec', exec, raw.operands.slice(1)),
    guestArgv,
  };
}

/** The usage error that an action ends with. */
function usageOf(action: () => unknown): { message: string; hint: string | undefined } {
  try {
    action();
  } catch (error) {
    if (isCloneboxError(error, 'usage')) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('nothing was refused');
}

const parse = (words: readonly string[], specs: OptionSpecs) =>
  bindOptions(specs, parseWords(words, specs, { line: 'clonebox x' }).options);

describe('the command line of exec', () => {
  it('leaves every word after -- to the guest, its own options and further dashes too', () => {
    const { guestArgv, globals } = parseExec([
      'exec',
      'vm',
      '--',
      'grep',
      '--json',
      '-v',
      '--',
      '-q',
      '',
    ]);
    expect(guestArgv).toEqual(['grep', '--json', '-v', '--', '-q', '']);
    expect(globals).toMatchObject({ json: false, verbose: false, quiet: false });
  });

  it('takes the VM as optional, and options on both sides of it', () => {
    expect(parseExec(['exec', '--', 'ls']).args).toEqual({ vm: undefined });
    const { args, options } = parseExec(['exec', '--as', 'root', 'vm', '-ti', '--', 'ls']);
    expect(args).toEqual({ vm: 'vm' });
    expect(options).toMatchObject({ as: 'root', tty: true, interactive: true });
  });

  it('takes short options of its own and of every command in one word', () => {
    const { options, globals } = parseExec(['exec', '-tv', '--', 'ls']);
    expect(options).toMatchObject({ tty: true, interactive: false });
    expect(globals.verbose).toBe(true);
  });

  it('keeps all variables in their order, and what is behind the first = as it is', () => {
    const { options } = parseExec([
      'exec',
      '--env',
      'A=1=2',
      '--env=B=',
      '--env',
      'A=x\ny',
      '--',
      'env',
    ]);
    expect(options.env).toEqual([
      ['A', '1=2'],
      ['B', ''],
      ['A', 'x\ny'],
    ]);
  });

  it('refuses a variable without =', () => {
    expect(usageOf(() => parseExec(['exec', '--env', 'HOME', '--', 'ls'])).message).toContain(
      '--env',
    );
  });

  it('refuses a second VM and says where the command belongs', () => {
    const { hint } = usageOf(() => parseExec(['exec', 'vm', 'ls', '--', 'x']));
    expect(hint).toContain('-- ls');
  });
});

describe('option values', () => {
  const specs = {
    memory: sizeOption('m'),
    timeout: durationOption('t'),
    cpus: countOption('c', 1),
    name: nameOption('n'),
    wait: { kind: 'flag', negated: true, summary: 'w' },
    keepFailed: { kind: 'flag', summary: 'k' },
  } as const satisfies OptionSpecs;

  it('are undefined, false, or true for a negated flag when they are not given', () => {
    expect(parse([], specs)).toEqual({
      ...{ memory: undefined, timeout: undefined, cpus: undefined, name: undefined },
      ...{ wait: true, keepFailed: false },
    });
  });

  it('are bytes, milliseconds, numbers and names', () => {
    const words = [
      '--memory',
      '2G',
      '--timeout=90s',
      '--cpus',
      '4',
      '--name',
      'shop',
      '--no-wait',
      '--keep-failed',
    ];
    expect(parse(words, specs)).toEqual({
      ...{ memory: 2 * 1024 ** 3, timeout: 90_000, cpus: 4, name: 'shop' },
      ...{ wait: false, keepFailed: true },
    });
  });

  it.each([
    ['--memory', '2'],
    ['--memory', ''],
    ['--memory', '-1G'],
    ['--timeout', '90'],
    ['--cpus', '0'],
    ['--cpus', '1.5'],
    ['--cpus', '0x10'],
    ['--name', 'Not A Name'],
  ])('refuse %s %j', (option, value) => {
    expect(usageOf(() => parse([option, value], specs)).message).toMatch(/\S/);
  });

  it('show a hostile value without obeying it', () => {
    const { message } = usageOf(() => parse(['--memory', '\u001b[2J2\n'], specs));
    expect(message).not.toContain('\u001b');
    expect(message).not.toContain('\n');
  });

  it('refuse an option without its value', () => {
    expect(usageOf(() => parse(['--memory'], specs)).message).toContain('--memory');
  });

  it('refuse a value for a flag', () => {
    expect(usageOf(() => parse(['--keep-failed=yes'], specs)).message).toContain('takes no value');
  });

  it('suggest the near option for a mistyped one', () => {
    expect(usageOf(() => parse(['--memroy', '2G'], specs)).hint).toBe('Did you mean: --memory');
    expect(usageOf(() => parse(['--nowait'], specs)).hint).toBe('Did you mean: --no-wait');
  });

  it('point to help for an option that is near nothing', () => {
    expect(usageOf(() => parse(['--zzzzzzzz'], specs)).hint).toBe('See: clonebox x --help');
  });
});

describe('finding the command', () => {
  it.each([
    [[], []],
    [['list'], ['list']],
    [['--json', 'list'], ['list']],
    [['--driver', 'list', 'status'], ['status']],
    [
      ['image', 'pull', 'debian:12'],
      ['image', 'pull'],
    ],
    [
      ['image', '--json', 'list'],
      ['image', 'list'],
    ],
    [['port'], ['port']],
    [['clone', '--memory', 'start'], ['clone']],
  ])('%j is %j', (words, path) => {
    expect(findCommand(words).path).toEqual(path);
  });

  it('knows help with and without a command', () => {
    expect(findCommand(['help'])).toMatchObject({ help: true, path: [] });
    expect(findCommand(['help', 'image', 'pull'])).toMatchObject({
      help: true,
      path: ['image', 'pull'],
    });
    expect(findCommand(['status'])).toMatchObject({ help: false });
  });

  it.each([
    ['strat', 'start'],
    ['stauts', 'status'],
    ['sl', 'ls'],
  ])('suggests for %s: %s', (word, near) => {
    expect(usageOf(() => findCommand([word])).hint).toBe(`Did you mean: clonebox ${near}`);
  });

  it('suggests within a group', () => {
    expect(usageOf(() => findCommand(['image', 'plul'])).hint).toBe(
      'Did you mean: clonebox image pull',
    );
  });

  it('points to help for a word that is near nothing', () => {
    expect(usageOf(() => findCommand(['frobnicate'])).hint).toContain('--help');
  });
});
