import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processRef } from '../host/processes.ts';
import { serveSsh, sshFiles } from './ssh-service.ts';

let place: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'clonebox-serve-'));
  writeFileSync(join(place, 'serve'), serveSsh);
});

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(place, { recursive: true, force: true });
});

/** As systemd does: a listening socket that waits, the third descriptor. It says its port. */
const activate = `use IO::Socket::INET; $^F = 3;
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 9) or die;
die unless fileno $socket == 3;
syswrite STDOUT, $socket->sockport;
@ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
exec 'perl', @ARGV`;

async function serve(...command: string[]): Promise<number> {
  const argv = ['-e', activate, join(place, 'serve'), ...command];
  child = spawn('perl', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve) => {
    child?.stdout?.once('data', (bytes) => resolve(Number(bytes)));
  });
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

const answer = (socket: Socket) =>
  new Promise<string>((resolve) => {
    socket.once('data', (bytes) => resolve(bytes.toString()));
  });

const whole = (socket: Socket) =>
  new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.once('close', () => resolve(text));
  });

describe('the server at the ssh port', () => {
  it('begins the command for each connection, several at once', async () => {
    const port = await serve('/bin/cat');
    const [first, second] = [await dial(port), await dial(port)];
    second.write('two');
    expect(await answer(second)).toBe('two');
    first.write('one');
    expect(await answer(first)).toBe('one');
    for (const socket of [first, second]) socket.end();
  });

  it('leaves the command nothing but the connection, and goes on when it has ended', async () => {
    const port = await serve(
      '/bin/sh',
      '-c',
      'echo "$0$LISTEN_FDS$LISTEN_PID"; for n in 0 1 3 4 5 6 7 8 9; do readlink /proc/$$/fd/$n; done',
      'x',
    );
    for (let times = 0; times < 3; times++) {
      const [name, ...sockets] = (await whole(await dial(port))).trim().split('\n');
      expect(name).toBe('x');
      expect(sockets).toEqual([sockets[0], sockets[0]]);
    }
    expect(child?.exitCode).toBeNull();
  });

  it('leaves no dead process behind', async () => {
    const port = await serve('/bin/sh', '-c', 'echo $$');
    const pid = Number(await whole(await dial(port)));
    await expect.poll(() => dead(pid)).toBe(true);
  });

  it('says what is missing when the command is', async () => {
    const port = await serve('/no/such/program');
    expect(await whole(await dial(port))).toBe('');
    const text = await new Promise<string>((resolve) => {
      child?.stderr?.once('data', (bytes) => resolve(String(bytes)));
    });
    expect(text).toMatch(/^\/no\/such\/program: No such file or directory/);
    expect(processRef(child?.pid ?? 0)).toBeDefined();
  });
});

/** Not there at all: a zombie still has its file. */
function dead(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/stat`);
    return false;
  } catch {
    return true;
  }
}

describe('the units of ssh', () => {
  it("are in the place of Debian's, by their names", () => {
    expect(sshFiles().map(({ path }) => path)).toEqual([
      '/usr/local/lib/clonebox/serve-ssh',
      '/etc/systemd/system/ssh.socket',
      '/etc/systemd/system/ssh.service',
      '/etc/systemd/system/multi-user.target.wants/ssh.service',
    ]);
  });
});
