import { describe, expect, it } from 'vitest';
import { CloneboxError, type ErrorCode, exitCodes } from '../core/errors.ts';
import { colorsFor } from './colors.ts';
import { errorDocument, errorLines, exitCodeOf, toJson } from './error-output.ts';

const plain = colorsFor({ isTty: false, wanted: true, env: {} });
const codes = Object.keys(exitCodes) as ErrorCode[];
const lines = (error: unknown, verbose = false) => errorLines(error, { colors: plain, verbose });

describe.each(codes)('a failure with code %s', (code) => {
  const error = new CloneboxError(code, 'it broke', { hint: 'mend it', facts: { vm: 'shop' } });

  it('has its own exit code', () => {
    expect(exitCodeOf(error)).toBe(exitCodes[code]);
  });

  it('is one document for scripts', () => {
    expect(errorDocument(error, { verbose: false })).toEqual({
      error: { code, message: 'it broke', hint: 'mend it', facts: { vm: 'shop' } },
    });
  });

  it('is its message for people, with the hint unless the user ended it', () => {
    const shown = lines(error);
    expect(shown[0]).toContain('it broke');
    const ended = code === 'interrupted' || code === 'terminated';
    expect(shown.slice(1)).toEqual(ended ? [] : ['hint: mend it']);
  });
});

describe('anything else that is thrown', () => {
  it('is a bug: exit code 1, and how to report it', () => {
    const error = new TypeError('x is not a function');
    expect(exitCodeOf(error)).toBe(1);
    expect(lines(error)).toEqual([
      'bug in CloneBox: x is not a function',
      'hint: Please report it, with what the same command prints under --verbose.',
    ]);
    expect(errorDocument(error, { verbose: false }).error).toMatchObject({
      code: 'bug',
      facts: {},
    });
  });

  it('shows its stack only with --verbose', () => {
    const error = new TypeError('x is not a function', { cause: new Error('deeper') });
    expect(lines(error).join('\n')).not.toContain('error-output.test');
    expect(lines(error, true).join('\n')).toContain('error-output.test');
    expect(lines(error, true).join('\n')).toContain('caused by: Error: deeper');
    expect(errorDocument(error, { verbose: true }).error.facts.stack).toContain(
      'error-output.test',
    );
  });

  it.each([
    ['ENOSPC', 'no space is left'],
    ['EACCES', 'this user may not'],
  ])('is no bug when the system refuses with %s', (code, words) => {
    const error = Object.assign(new Error(`${code}: open /x`), { code, syscall: 'open' });
    expect(exitCodeOf(error)).toBe(6);
    expect(lines(error)[0]).toContain(words);
    expect(lines(error)[0]).toContain('/x');
  });

  it.each([['text'], [undefined], [null], [42]])('is told even when it is %j', (thrown) => {
    expect(lines(thrown)[0]).toMatch(/^bug in CloneBox: \S/);
  });
});

describe('the text of a failure', () => {
  it('keeps its lines and obeys no escape sequence of the guest', () => {
    const error = new CloneboxError(
      'guest-failed',
      'apt failed\n  \u001b[31mE: no\u0007\n\u001b]0;x\u0007end',
    );
    expect(lines(error)).toEqual(['error: apt failed', '  E: no', 'end']);
  });

  it('lists every problem of a configuration', () => {
    const error = new CloneboxError('config-invalid', 'a:1:2 vm.cpus one\na:2:3 vm.memory two');
    expect(lines(error)).toEqual(['error: a:1:2 vm.cpus one', 'a:2:3 vm.memory two']);
  });
});

describe('the operation of a failure', () => {
  const operation = { id: '01a205b7d0ed981f', isLogged: true };
  const told = (code: ErrorCode, isLogged = true) => {
    const error = new CloneboxError(code, 'no', { hint: 'mend it' });
    return errorLines(error, {
      ...{ colors: plain, verbose: false },
      operation: { ...operation, isLogged },
    });
  };

  it('is named after the hint, with how to read about it', () => {
    expect(told('conflict')).toEqual([
      ...['error: no', 'hint: mend it'],
      'operation: 01a205b7d0ed981f (clonebox logs --operation 01a205b7d0ed981f)',
    ]);
    expect(told('conflict', false).at(-1)).toBe('operation: 01a205b7d0ed981f');
  });

  it('is left out where there is nothing to look up', () => {
    expect(told('usage')).toEqual(['error: no', 'hint: mend it']);
    expect(told('interrupted')).toEqual(['no']);
  });

  it('is a fact for scripts', () => {
    const error = new CloneboxError('conflict', 'no', { facts: { vm: 'shop' } });
    expect(errorDocument(error, { verbose: false, operation }).error.facts).toEqual({
      ...{ vm: 'shop', operation: operation.id },
    });
  });
});

describe('JSON', () => {
  it('has a form for everything, so that a report never fails', () => {
    const circle: Record<string, unknown> = { size: 5n, cause: new Error('why') };
    circle.self = circle;
    circle.list = [circle];
    expect(JSON.parse(toJson(circle))).toEqual({
      ...{ size: '5', cause: 'why', self: '[circular]', list: ['[circular]'] },
    });
    expect(toJson(undefined)).toBe('null');
  });

  it('repeats an object that is there twice', () => {
    const one = { a: 1 };
    expect(JSON.parse(toJson({ first: one, second: one, both: [one, one] }))).toEqual({
      ...{ first: one, second: one, both: [one, one] },
    });
  });
});
