import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

// A program of its own with its own input and output, joined to a console of ours.

const tools = mkdtempSync(join(tmpdir(), 'cb-'));
const program = `
  import { quietIo } from './src/core/quiet-io.ts';
  import { joinTerminal } from './src/host/terminal.ts';
  const interrupt = new AbortController();
  process.once('SIGTERM', () => interrupt.abort());
  const io = { ...quietIo(), signal: interrupt.signal };
  try {
    await joinTerminal(process.argv[2], { io, onJoined: () => process.stderr.write('joined\\n') });
    process.exit(0);
  } catch (error) {
    process.stderr.write(error.code);
    process.exit(1);
  }
`;
beforeAll(async () => {
  await build({
    stdin: {
      contents: program,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: join(tools, 'terminal.mjs'),
    logLevel: 'silent',
  });
});
afterAll(() => rmSync(tools, { recursive: true }));

let scratch: string;
let server: Server;
let peer: Socket | undefined;
let received: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
  received = '';
  server = createServer((socket) => {
    peer = socket;
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
  });
  await new Promise<void>((resolve) => server.listen(join(scratch, 'console'), resolve));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  peer?.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(scratch, { recursive: true });
});

function openTerminal(name = 'console') {
  const started = spawn(process.execPath, [join(tools, 'terminal.mjs'), join(scratch, name)]);
  child = started;
  const said = { out: '', err: '' };
  started.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk;
  });
  started.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk;
  });
  const ended = new Promise<number | null>((resolve) => started.once('close', resolve));
  return { input: started.stdin, process: started, said, ended };
}

test('what is typed goes in, what is said comes out, and Ctrl-] leaves', async () => {
  const terminal = openTerminal();
  await expect.poll(() => terminal.said.err, patient).toBe('joined\n');
  terminal.input.write('ls\r');
  await expect.poll(() => received, patient).toBe('ls\r');
  peer?.write('a file\r\n');
  await expect.poll(() => terminal.said.out, patient).toBe('a file\r\n');

  terminal.input.write('exit\r\x1dnot this');
  expect(await terminal.ended).toBe(0);
  expect(received).toBe('ls\rexit\r');
});

test('the end of the machine is the end of its console', async () => {
  const terminal = openTerminal();
  await expect.poll(() => terminal.said.err, patient).toBe('joined\n');
  peer?.end('Power down.\r\n');
  expect(await terminal.ended).toBe(0);
  expect(terminal.said.out).toBe('Power down.\r\n');
});

test('the end of the input leaves, and so does the signal', async () => {
  const first = openTerminal();
  await expect.poll(() => first.said.err, patient).toBe('joined\n');
  first.input.end();
  expect(await first.ended).toBe(0);

  const second = openTerminal();
  await expect.poll(() => second.said.err, patient).toBe('joined\n');
  second.process.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test('a console that is not there is a conflict', async () => {
  const terminal = openTerminal('nothing');
  expect(await terminal.ended).toBe(1);
  expect(terminal.said.err).toBe('conflict');
});
