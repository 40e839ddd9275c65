import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  agent,
  file,
  giveEachAnAgent,
  guest,
  host,
  io,
  isAlive,
  sh,
} from '../../test/fixtures/agent-bed.ts';
import { quietIo } from '../core/quiet-io.ts';
import { openAgent } from './agent.ts';

const isRoot = process.getuid?.() === 0;
giveEachAnAgent();

describe('a command', () => {
  test('gets its words, its input, its directory and its variables as they are', async () => {
    const words = ['a  b', "it's", '$HOME', '*', '', '"', 'ü\n', '-n'];
    const result = await guest.exec(
      [
        'sh',
        '-c',
        'printf "%s|" "$@"; cat; pwd; printf %s "$GREETING"; echo err >&2; exit 7',
        'sh',
        ...words,
      ],
      io,
      { stdin: 'in\n', cwd: '/root', env: { GREETING: 'hi  "there"' } },
    );
    expect(result).toEqual({
      exitCode: 7,
      stdout: `${words.join('|')}|in\n${agent.guest}/root\nhi  "there"`,
      stderr: 'err\n',
      truncated: false,
    });
  });

  test('inherits nothing from the agent but what root has at a login', async () => {
    const { stdout } = await sh('env | grep -v "^_=" | sort');
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => !/^(PWD|OLDPWD|)$/.test(name ?? ''))).toEqual([
      ...['HOME', 'LANG', 'LOGNAME', 'PATH', 'SHELL', 'USER'],
    ]);
  });

  test('leaves nothing in the guest', async () => {
    await sh('echo x', { stdin: 'y' });
    await expect.poll(() => readdirSync(file('run/clonebox'))).toEqual([]);
    expect(execFileSync('stat', ['-c', '%a', file('run/clonebox')], { encoding: 'utf8' })).toBe(
      '700\n',
    );
  });

  test.each([
    ['in no file', 'a secret'],
    ['in no file any more', 'many secrets'.repeat(100_000)],
  ])('has its input %s while it runs, so that nobody who dies can leave it', async (_, stdin) => {
    const here = await sh(`ls ${file('run/clonebox')}; head -c 8`, { stdin });
    expect(here.stdout).toMatch(/^exec-[0-9a-f]+\.err\nexec-[0-9a-f]+\.out\n(a secret|many sec)$/);
    expect((await sh('wc -c', { stdin })).stdout.trim()).toBe(String(stdin.length));
    expect((await sh('exit 3', { stdin })).exitCode).toBe(3);
  });

  test('that cannot be found, or has no directory to run in, has the status a shell would give', async () => {
    expect((await guest.exec(['/no/such/program'], io)).exitCode).toBe(127);
    expect(await sh('true', { cwd: '/no/such/place' })).toMatchObject({
      exitCode: 126,
      stderr: expect.stringContaining('/no/such/place'),
    });
  });

  test('that a signal ended has that status too', async () => {
    expect((await sh('kill -TERM $$')).exitCode).toBe(143);
  });

  test('is heard while it runs', async () => {
    const heard: string[] = [];
    const go = file('root/go');
    await sh(`echo early; until [ -e ${go} ]; do sleep 0.02; done; echo late >&2`, {
      onOutput: (stream, chunk) => {
        heard.push(`${stream} ${Buffer.from(chunk).toString('utf8')}`);
        writeFileSync(go, '');
      },
    });
    expect(heard).toEqual(['stdout early\n', 'stderr late\n']);
  });

  test('that leaves a daemon behind is not held up by it', async () => {
    const result = await sh('sleep 60 & echo $!');
    expect(result.stdout).toMatch(/^\d+\n$/);
    process.kill(Number(result.stdout), 'SIGKILL');
  });

  test('may say up to 8 MiB, all of which comes', async () => {
    const result = await sh('head -c 8000000 /dev/zero | tr "\\0" x');
    expect(result.truncated).toBe(false);
    expect(result.stdout.length).toBe(8_000_000);
  });

  test('that says more loses the middle and says so', async () => {
    let bytes = 0;
    const result = await sh('echo START; head -c 30000000 /dev/zero | tr "\\0" x; echo; echo END', {
      onOutput: (_, chunk) => {
        bytes += chunk.length;
      },
    });
    expect(bytes).toBe(30_000_011);
    expect(result.truncated).toBe(true);
    expect(result.stdout.slice(0, 8)).toBe('START\nxx');
    expect(result.stdout.slice(-7)).toBe('xx\nEND\n');
    expect(result.stdout.split('\nEND')[0]?.split('\n[…]\n')).toHaveLength(2);
    expect(result.stdout.length).toBeGreaterThan(8 * 1024 * 1024 - 1024);
    expect(result.stdout.length).toBeLessThan(8.6 * 1024 * 1024);
  });

  test('and all it started end at its time limit', async () => {
    const pids: number[] = [];
    await expect(
      sh('sleep 61 & echo $!; sleep 62 & echo $!; echo $$; wait', {
        timeout: 300,
        onOutput: (_, chunk) => {
          pids.push(...Buffer.from(chunk).toString('utf8').trim().split('\n').map(Number));
        },
      }),
    ).rejects.toMatchObject({ code: 'deadline', message: expect.stringContaining('300 ms') });
    expect(pids).toHaveLength(3);
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    await expect.poll(() => readdirSync(file('run/clonebox'))).toEqual([]);
  });

  test('that does not listen to SIGTERM ends all the same', async () => {
    let pid = 0;
    const stubborn = 'trap "" TERM; echo $$; while :; do sleep 0.05; done';
    await expect(
      sh(stubborn, {
        timeout: 200,
        onOutput: (_, chunk) => {
          pid = Number(Buffer.from(chunk).toString('utf8'));
        },
      }),
    ).rejects.toMatchObject({ code: 'deadline' });
    expect(isAlive(pid)).toBe(true);
    await expect.poll(() => isAlive(pid), { timeout: 6000 }).toBe(false);
  });

  test('ends at its time limit also when it talks without end', async () => {
    const started = Date.now();
    let pid = 0;
    await expect(
      sh('echo $$; exec yes', {
        timeout: 500,
        onOutput: (_, chunk) => {
          pid ||= Number.parseInt(Buffer.from(chunk).toString('utf8'), 10);
        },
      }),
    ).rejects.toMatchObject({ code: 'deadline' });
    expect(Date.now() - started).toBeLessThan(5000);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('is not waited for when it has ended and something else goes on to write', async () => {
    const script = 'head -c 9M /dev/zero; (while echo y; do sleep 0.01; done) & echo $! >&2';
    const { stderr, exitCode } = await sh(script);
    expect(exitCode).toBe(0);
    process.kill(Number.parseInt(stderr, 10), 'SIGKILL');
  });

  describe('that has ended, by an agent that lies', () => {
    const chunk = (size: number) => ({ count: size, 'buf-b64': 'A'.repeat(size), eof: false });

    test('has no output that never ends', async () => {
      agent.lie('guest-file-read', () => chunk(4));
      agent.lie('guest-file-seek', () => ({ position: 2 ** 50, eof: false }));
      let now = 0;
      const slow = { ...host, now: () => (now += 1000) };
      const told = openAgent(slow, agent.socketPath);
      await expect(told.exec(['true'], io)).rejects.toMatchObject({
        code: 'guest-failed',
        message: expect.stringContaining('does not come to an end'),
      });
      await told.close();
    });
  });

  test('ends with Ctrl-C, which is what the caller is told', async () => {
    const interrupt = new AbortController();
    const pid = new Promise<number>((resolve, reject) => {
      const running = guest.exec(['sh', '-c', 'echo $$; sleep 63'], quietIo(interrupt.signal), {
        onOutput: (_, chunk) => {
          resolve(Number(Buffer.from(chunk).toString('utf8')));
          interrupt.abort(new Error('Ctrl-C'));
        },
      });
      running.then(
        () => reject(new Error('it ended by itself')),
        (error) => (error.message === 'Ctrl-C' ? undefined : reject(error)),
      );
    });
    await expect.poll(async () => isAlive(await pid)).toBe(false);
  });

  test('lets another session in between when it takes long', async () => {
    const other = openAgent(host, agent.socketPath);
    const go = file('root/go');
    const long = sh(`until [ -e ${go} ]; do sleep 0.05; done`);
    await agent.receivedOne('guest-exec-status');
    expect((await other.exec(['true'], io)).exitCode).toBe(0);
    await other.close();
    writeFileSync(go, '');
    expect((await long).exitCode).toBe(0);
  });

  test('of a guest that is lost meanwhile fails as that', async () => {
    agent.misbehave('guest-exec-status', 'hang up');
    await expect(sh('sleep 0.2')).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'the guest is lost: it closed its channel',
    });
  });

  test('as a user the guest does not have is refused', async () => {
    writeFileSync(file('etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
    await expect(sh('true', { user: 'nobody' })).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'there is no user nobody in the guest',
    });
  });

  test.skipIf(!isRoot)('as a user is that user, by the guest’s own list', async () => {
    writeFileSync(
      file('etc/passwd'),
      'root:x:0:0:root:/root:/bin/bash\nme:x:65534:4343:Me:/tmp:/bin/zsh\n',
    );
    const { stdout, stderr } = await sh('id -u; id -g; pwd; echo $HOME $USER $LOGNAME $SHELL', {
      user: 'me',
    });
    expect(stderr).toBe('');
    expect(stdout).toBe('65534\n4343\n/tmp\n/tmp me me /bin/zsh\n');
  });
});
