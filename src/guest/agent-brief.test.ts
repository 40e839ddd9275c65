import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { agent, file, giveEachAnAgent, guest, io, isAlive } from '../../test/fixtures/agent-bed.ts';
import { quietIo } from '../core/quiet-io.ts';

giveEachAnAgent();
const brief = { brief: true } as const;

describe('a brief command', () => {
  test('gets its words as they are, and says what it said and how it ended', async () => {
    const words = ['a  b', "it's", '$HOME', '*', '', '"', 'ü\n', '-n'];
    const script = 'printf "%s|" "$@"; printf %s "$GREETING"; echo err >&2; exit 7';
    const env = { GREETING: 'hi  "there"' };
    const argv = ['sh', '-c', script, 'sh', ...words];
    expect(await guest.exec(argv, io, { ...brief, env })).toEqual({
      exitCode: 7,
      stdout: `${words.join('|')}|hi  "there"`,
      stderr: 'err\n',
      truncated: false,
    });
  });

  test('has the variables of any other command', async () => {
    const names = async (options: object) => {
      const { stdout } = await guest.exec(['env'], io, options);
      const all = stdout.split('\n').map((line) => line.split('=')[0] ?? '');
      return all.filter((name) => !/^(PWD|OLDPWD|SHLVL|_|)$/.test(name)).sort();
    };
    expect(await names(brief)).toEqual(await names({}));
  });

  test('makes no file in the guest', async () => {
    await guest.exec(['true'], io, brief);
    expect(existsSync(file('run/clonebox')) ? readdirSync(file('run/clonebox')) : []).toEqual([]);
  });

  test('that a signal ended has the status of a shell', async () => {
    const { exitCode } = await guest.exec(['sh', '-c', 'kill -KILL $$'], io, brief);
    expect(exitCode).toBe(137);
  });

  test('that is not there is an error', async () => {
    await expect(guest.exec(['no-such-program'], io, brief)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('no-such-program'),
    });
  });

  test('ends at its time limit', async () => {
    const marker = `6${process.pid}.25`;
    await expect(
      guest.exec(['sleep', marker], io, { ...brief, timeout: 200 }),
    ).rejects.toMatchObject({ code: 'deadline', message: expect.stringContaining('200 ms') });
    await expect.poll(() => sleeping(marker)).toEqual([]);
  });

  test('ends with Ctrl-C, which is what the caller is told', async () => {
    const marker = `7${process.pid}.25`;
    const interrupt = new AbortController();
    const running = guest.exec(['sleep', marker], quietIo(interrupt.signal), brief);
    await agent.receivedOne('guest-exec-status');
    expect(sleeping(marker)).toHaveLength(1);
    interrupt.abort(new Error('Ctrl-C'));
    await expect(running).rejects.toThrow('Ctrl-C');
    await expect.poll(() => sleeping(marker)).toEqual([]);
  });
});

/** The living processes that sleep for so long. */
function sleeping(seconds: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isAlive(pid) && commandLine(pid) === `sleep\0${seconds}\0`);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
