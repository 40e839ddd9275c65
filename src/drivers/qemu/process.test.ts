import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { clearRuntime, findQemu, readState, withQmp } from './process.ts';
import { type RuntimeFiles, runtimeFiles } from './runtime-files.ts';

const host = createHost();
const signal = new AbortController().signal;
const children: ChildProcess[] = [];
let scratch: string;
let files: RuntimeFiles;
let server: Server | undefined;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
  files = runtimeFiles(join(scratch, 'run'));
  mkdirSync(files.directory);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
  rmSync(scratch, { recursive: true });
});

/** A process that waits, with these words on its command line. */
async function waiting(
  words: string[],
  script = 'echo; read x',
): Promise<ChildProcess & { pid: number }> {
  const child = spawn('sh', ['-c', script, 'sh', ...words], { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child as ChildProcess & { pid: number };
}

/** A control socket that says this status, or takes the connection and says nothing. */
async function serve(status: string | undefined): Promise<void> {
  server = createServer((socket) => {
    socket.on('error', () => {});
    if (status === undefined) return;
    socket.write('{"QMP":{}}\n');
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        const { id, execute } = JSON.parse(line);
        const reply = execute === 'query-status' ? { status, running: status === 'running' } : {};
        socket.write(`${JSON.stringify({ return: reply, id })}\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(files.qmp, resolve));
}

describe('the process of a machine', () => {
  test('is the one in the pid file that has the pid file on its command line', async () => {
    const { pid } = await waiting(['-pidfile', files.pid]);
    writeFileSync(files.pid, `${pid}\n`);
    expect(await findQemu(host, files)).toEqual(await host.processRef(pid));
  });

  test('is nobody when the pid belongs to another machine, or to the file beside', async () => {
    const { pid } = await waiting(['-pidfile', `${files.pid}2`, `x${files.pid}`]);
    writeFileSync(files.pid, `${pid}\n`);
    expect(await findQemu(host, files)).toBeUndefined();
  });

  test('of a machine that was adopted has the pid file of where it was started', async () => {
    const origin = join(scratch, 'earlier');
    const { pid } = await waiting(['-pidfile', runtimeFiles(origin).pid]);
    writeFileSync(files.pid, `${pid}\n`);
    expect(await findQemu(host, files)).toBeUndefined();
    writeFileSync(files.origin, origin);
    expect(await findQemu(host, files)).toEqual(await host.processRef(pid));

    await clearRuntime(host, files, signal);
    expect(await host.processesMentioning(`${origin}/`)).toEqual([]);
    expect(existsSync(files.directory)).toBe(false);
  });

  test('is nobody once it has ended', async () => {
    const child = await waiting(['-pidfile', files.pid]);
    writeFileSync(files.pid, `${child.pid}\n`);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(await findQemu(host, files)).toBeUndefined();
  });
});

describe('the state of a machine', () => {
  test.each([
    ['running', 'running'],
    ['paused', 'paused'],
    ['io-error', 'paused'],
    ['internal-error', 'paused'],
    ['guest-panicked', 'paused'],
    ['prelaunch', 'starting'],
    ['inmigrate', 'starting'],
    ['a status of a later QEMU', 'running'],
  ])('that QEMU calls %s is %s', async (status, kind) => {
    const { pid } = await waiting(['-pidfile', files.pid]);
    writeFileSync(files.pid, String(pid));
    await serve(status);
    expect(await readState(host, files, signal)).toMatchObject({ kind, process: { pid } });
  });

  test('without a process is stopped, whatever is left of it', async () => {
    await serve('running');
    expect(await readState(host, files, signal)).toEqual({ kind: 'stopped' });
  });

  test('without a control socket is running, for its process is', async () => {
    const { pid } = await waiting(['-pidfile', files.pid]);
    writeFileSync(files.pid, String(pid));
    expect(await readState(host, files, signal)).toMatchObject({ kind: 'running' });
  });
});

describe('the control socket', () => {
  const ask = (timeout: number, by = signal) =>
    withQmp(host, files, { signal: by, timeout, use: (qmp) => qmp.execute('query-status') });

  test('that is silent is given up after its time', async () => {
    await serve(undefined);
    expect(await ask(100)).toBeUndefined();
  });

  test('that another client of ours holds too long is given up after its time', async () => {
    await serve('running');
    const io = { ...quietIo(), signal };
    const held = await host.lock(`${files.qmp}.lock`, io, { what: 'it' });
    expect(await ask(100)).toBeUndefined();
    await held.release();
    expect(await ask(5000)).toMatchObject({ status: 'running' });
  });

  test('that is a dead file is no error', async () => {
    writeFileSync(files.qmp, '');
    expect(await ask(5000)).toBeUndefined();
  });

  test('is left at once on Ctrl-C, for its reason', async () => {
    await serve(undefined);
    const interrupt = new AbortController();
    const asked = ask(60_000, interrupt.signal);
    interrupt.abort(new Error('Ctrl-C'));
    await expect(asked).rejects.toThrow('Ctrl-C');
  });
});

describe('clearing a runtime directory', () => {
  test('ends what runs for it, however stubborn, and nothing else', async () => {
    const ours = await waiting([files.pid]);
    const stubborn = await waiting([files.qmp], 'trap "" TERM; echo; while :; do read x; done');
    const beside = await waiting([`${files.directory}-2/qmp`]);
    await clearRuntime(host, files, signal);

    expect(await host.processRef(ours.pid)).toBeUndefined();
    expect(await host.processRef(stubborn.pid)).toBeUndefined();
    expect(await host.processRef(beside.pid)).toBeDefined();
    expect(existsSync(files.directory)).toBe(false);
  });

  test('that is not there is done', async () => {
    await clearRuntime(host, files, signal);
    await clearRuntime(host, files, signal);
    expect(existsSync(files.directory)).toBe(false);
  });
});
