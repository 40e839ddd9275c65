import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../../test/fixtures/fake-agent.ts';
import type { Guest } from '../core/guest.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { openAgent } from './agent.ts';

const host = createHost();
const io = quietIo();
const isRoot = process.getuid?.() === 0;

let agent: FakeAgent;
let guest: Guest;
beforeEach(async () => {
  agent = await startFakeAgent();
  guest = openAgent(host, agent.socketPath);
});
afterEach(async () => {
  vi.useRealTimers();
  await guest.close();
  await agent.close();
});

const file = (path: string) => join(agent.guest, path);
const read = async (path: string) =>
  Buffer.from((await guest.readFile(path, io)) ?? []).toString('utf8');

/** Runs shell text in the fake guest, in its /root. */
const sh = (script: string, options: Parameters<Guest['exec']>[2] = {}) =>
  guest.exec(['sh', '-c', script], io, options);

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a session', () => {
  test('takes no reply of an earlier client for one of its own', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.leave(
      '{"return": 1001}',
      '{"return": 4294967295}',
      '{"return": {"count": 4, "buf-b64": "YmFkCg==", "eof": true}}',
      '{"error": {"class": "GenericError", "desc": "handle has not been found"}}',
      'half of an ans',
    );
    expect(await read('/etc/hostname')).toBe('mine\n');
  });

  test('is not confused by half of a request that an earlier client sent', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    const earlier = await host.connect(agent.socketPath);
    earlier.sendBytes(Buffer.from('{"execute": "guest-file-open", "arguments": {"path": "/etc/ho'));
    earlier.close();
    await expect.poll(() => agent.connections).toBe(1);
    // Without the byte that ends it, the first sync would be lost in it, and the next comes after five seconds.
    const started = Date.now();
    expect(await read('/etc/hostname')).toBe('mine\n');
    expect(Date.now() - started).toBeLessThan(4000);
  });

  test('that was closed is not opened again by what was under way', async () => {
    const aborted = new AbortController();
    const ended = guest.exec(['sleep', '600'], quietIo(aborted.signal)).catch(String);
    const looks = () => agent.received.filter((one) => one.execute === 'guest-exec-status').length;
    await expect.poll(looks).toBeGreaterThan(3);
    aborted.abort(new Error('Ctrl-C'));
    await guest.close();
    rmSync(`${agent.socketPath}.lock`, { force: true });
    expect(await ended).toMatch(/Ctrl-C/);
    expect(readdirSync(dirname(agent.socketPath))).not.toContain('agent.lock');
    await expect(guest.readFile('/etc/hostname', io)).rejects.toThrow(/channel was closed/);
  });

  test('works on after an answer came too late', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.misbehave('guest-file-read', undefined);
    const aborted = new AbortController();
    const reading = guest.readFile('/etc/hostname', quietIo(aborted.signal));
    await agent.receivedOne('guest-file-read');
    aborted.abort(new Error('Ctrl-C'));
    await expect(reading).rejects.toThrow('Ctrl-C');
    agent.leave('{"return": {"count": 4, "buf-b64": "YmFkCg==", "eof": true}}');
    expect(await read('/etc/hostname')).toBe('mine\n');
    expect(agent.connections).toBe(2);
  });

  test('syncs again and again until a slow guest answers, and is right afterwards', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    agent.misbehave('guest-sync', undefined);
    agent.misbehave('guest-sync', undefined);
    const reading = read('/etc/hostname');
    await agent.receivedOne('guest-sync');
    for (let tries = 0; tries < 2; tries++) {
      const next = agent.receivedOne('guest-sync');
      await vi.advanceTimersByTimeAsync(5001);
      await next;
    }
    expect(await reading).toBe('mine\n');
    expect(agent.connections).toBe(1);
    const ids = agent.received.flatMap((one) =>
      one.execute === 'guest-sync' ? [Number(one.arguments.id)] : [],
    );
    expect(ids.map((id) => id - (ids[0] ?? 0))).toEqual([0, 1, 2]);
  });

  test('is right when the guest answers the earlier syncs after all', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    agent.misbehave('guest-sync', undefined);
    const reading = read('/etc/hostname');
    await agent.receivedOne('guest-sync');
    const { id } = agent.received[0]?.arguments ?? {};
    const second = agent.receivedOne('guest-sync');
    agent.misbehave('guest-sync', `{"return": ${id}}\n{"return": ${Number(id) + 1}}\n`);
    await vi.advanceTimersByTimeAsync(5001);
    await second;
    expect(await reading).toBe('mine\n');
  });

  test('opens a new connection when the guest closes its port while it restarts', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.misbehave('guest-sync', 'hang up');
    agent.misbehave('guest-sync', 'hang up');
    await guest.waitReady(io);
    expect(agent.connections).toBe(3);
    expect(await read('/etc/hostname')).toBe('mine\n');
  });

  test.each([
    ['hangs up in the middle', 'hang up', 'it closed its channel'],
    ['answers no JSON', 'Segmentation fault\n', 'its answer is not JSON'],
    ['answers a list', '[1, 2]\n', 'its answer is not JSON'],
    ['answers what was not asked', '{"return": {"surprise": 1}}\n', 'makes no sense'],
    ['answers nothing', '{}\n', 'makes no sense'],
    ['sends bytes that are no text', Buffer.from([0x80, 0xfe, 0, 10]), 'its answer is not JSON'],
    ['sends a line without end', Buffer.alloc(65 * 1024 * 1024, 0x20), 'it closed its channel'],
  ])('whose guest %s has lost it, and the next one is not disturbed', async (_, how, why) => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.misbehave('guest-file-open', how);
    await expect(guest.readFile('/etc/hostname', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining(why),
      hint: expect.stringContaining('clonebox logs'),
    });
    expect(await read('/etc/hostname')).toBe('mine\n');
  });

  test('whose guest never answers is lost after a minute', async () => {
    await guest.waitReady(io);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    agent.misbehave('guest-file-open', undefined);
    const came = agent.receivedOne('guest-file-open');
    const failure = expect(guest.readFile('/etc/hostname', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'the guest is lost: it did not answer guest-file-open',
    });
    await came;
    await vi.advanceTimersByTimeAsync(59_000);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1001);
    await failure;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('tells what the guest refuses in its own words, and stays open', async () => {
    const refused = guest.writeFile('/etc', 'x', io);
    await expect(refused).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('refused guest-file-open'),
      facts: { command: 'guest-file-open', desc: expect.stringContaining("(mode: 'w')") },
    });
    expect(await guest.readFile('/etc/none', io)).toBeUndefined();
    expect(agent.connections).toBe(1);
  });

  test('answers a ping within its time, or says no', async () => {
    expect(await guest.ping(io, 5000)).toBe(true);
    await guest.close();
    guest = openAgent(host, agent.socketPath);
    agent.misbehave('guest-sync', undefined);
    expect(await guest.ping(io, 400)).toBe(false);
    expect(await guest.ping(io, 5000)).toBe(true);
  });

  test('of a machine that does not run says so', async () => {
    await agent.close();
    await expect(guest.readFile('/etc/hostname', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'the machine is not running',
      hint: expect.stringContaining('clonebox start'),
    });
    rmSync(dirname(agent.socketPath), { recursive: true });
    agent = await startFakeAgent();
  });

  test('waits for the other one to be done: the agent has room for one', async () => {
    const other = openAgent(host, agent.socketPath);
    await guest.waitReady(io);
    expect(await host.isLocked(`${agent.socketPath}.lock`)).toBe(true);
    let opened = false;
    const waiting = other.waitReady(io).then(() => {
      opened = true;
    });
    writeFileSync(file('etc/hostname'), 'mine\n');
    expect(await read('/etc/hostname')).toBe('mine\n');
    expect({ opened, connections: agent.connections }).toEqual({ opened: false, connections: 1 });
    await guest.close();
    await waiting;
    await other.close();
    expect(agent.connections).toBe(2);
  });
});

describe('files', () => {
  test('come out as they went in, over many messages', async () => {
    const large = Buffer.alloc(500_000, 'äöü€');
    await guest.writeFile('/etc/large', large, io);
    expect(readFileSync(file('etc/large')).equals(large)).toBe(true);
    expect(Buffer.from((await guest.readFile('/etc/large', io)) ?? []).equals(large)).toBe(true);
    await guest.writeFile('/etc/large', '', io);
    expect(await read('/etc/large')).toBe('');
  });

  test('of any content do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await guest.writeFile('/etc/any', bytes, io);
        expect(Buffer.from((await guest.readFile('/etc/any', io)) ?? [])).toEqual(
          Buffer.from(bytes),
        );
      }),
      { numRuns: 50 },
    );
    expect(agent.connections).toBe(1);
  });

  test('go on where a short write ended', async () => {
    agent.misbehave('guest-file-write', '{"return": {"count": 3, "eof": false}}\n');
    await guest.writeFile('/etc/short', 'abcdef', io);
    expect(readFileSync(file('etc/short'), 'utf8')).toBe('def');
  });

  test('that do not fit are an error, not an endless loop', async () => {
    agent.misbehave('guest-file-write', '{"return": {"count": 0, "eof": false}}\n');
    await expect(guest.writeFile('/etc/full', 'abc', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('disk is full'),
    });
  });

  test('in no directory are not written, and nothing pretends that they were', async () => {
    await expect(guest.writeFile('/etc/no/such', 'x', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('no such directory'),
    });
  });

  test('are all closed again', async () => {
    await guest.writeFile('/etc/one', 'x', io);
    await read('/etc/one');
    const count = (command: string) =>
      agent.received.filter(({ execute }) => execute === command).length;
    expect(count('guest-file-close')).toBe(count('guest-file-open'));
  });
});

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

describe('several files', () => {
  test('are read in three turns, in their order, and those that are not there are missing', async () => {
    writeFileSync(file('etc/one'), '1');
    writeFileSync(file('etc/two'), '');
    const paths = ['/etc/one', '/etc/none', '/etc/two', '/etc/one'];
    const found = await guest.readFiles(paths, io);
    expect(found.map((one) => one && Buffer.from(one).toString('utf8'))).toEqual([
      ...['1', undefined, '', '1'],
    ]);
    expect(await guest.readFiles([], io)).toEqual([]);
    const closed = agent.received.filter(({ execute }) => execute === 'guest-file-close');
    expect(closed).toHaveLength(3);
  });

  test('of which one cannot be read fail, and none is left open', async () => {
    writeFileSync(file('etc/one'), '1');
    agent.misbehave('guest-file-read', '{"error": {"class": "GenericError", "desc": "EIO"}}\n');
    await expect(guest.readFiles(['/etc/one', '/etc/one'], io)).rejects.toThrow(/EIO/);
    const count = (name: string) => agent.received.filter((one) => one.execute === name).length;
    expect(count('guest-file-close')).toBe(count('guest-file-open'));
    expect(await read('/etc/one')).toBe('1');
  });
});

test("the guest's clock is read in milliseconds", async () => {
  agent.skew = 3_600_000;
  expect(Math.abs((await guest.time(io)) - Date.now() - 3_600_000)).toBeLessThan(5000);
});
