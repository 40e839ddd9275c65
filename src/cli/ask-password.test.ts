import { describe, expect, it } from 'vitest';
import { askPassword } from './ask-password.ts';
import type { Terminal } from './terminal.ts';

const signal = new AbortController().signal;

function ask(stdin: boolean, input: string | Buffer = '', tty = false) {
  const terminal = {
    isTty: { stdin: tty, stdout: tty, stderr: tty },
    readInput: async (most: number) => Buffer.from(input).subarray(0, most),
  } as unknown as Terminal;
  return askPassword(terminal, { stdin, flag: '--stdin' }, { signal, pause: () => {} });
}

describe('a password by standard input', () => {
  it.each([
    ['hush-hush\n', 'hush-hush'],
    ['hush-hush', 'hush-hush'],
    [' with: blanks ', ' with: blanks '],
    [`${'x'.repeat(511)}\n`, 'x'.repeat(511)],
  ])('of %j is one line', async (input, password) => {
    const secret = await ask(true, input)();
    expect(secret.reveal()).toBe(password);
    expect(JSON.stringify({ secret })).toBe('{"secret":"[redacted]"}');
  });

  it.each([
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['two\nlines\n', 'is more than one line'],
    ['windows\r\n', 'is more than one line'],
    ['x'.repeat(512), 'is longer than 511 bytes'],
    ['x'.repeat(100_000), 'is longer than 511 bytes'],
    [Buffer.from([0x61, 0xff, 0x62]), 'is not text in UTF-8'],
  ])('of %j is a mistake', async (input, problem) => {
    const failed = ask(true, input)();
    await expect(failed).rejects.toMatchObject({
      code: 'usage',
      message: `the password ${problem}`,
    });
  });

  it('is not read where it would be seen', () => {
    expect(() => ask(true, '', true)).toThrow(/a terminal would show it/);
  });
});

describe('a password by nobody', () => {
  it('is a mistake at once, which says what to do', () => {
    expect(() => ask(false)).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('--stdin') }),
    );
  });
});
