import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import { startDaemon, startFedDaemon } from './daemons.ts';
import { isAlive, kill, processRef, run } from './processes.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

const _io = quietIo();
let scratch: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true });
});

const sh = (script: string, ...words: string[]) => ['sh', '-c', script, 'sh', ...words];
const gone = (pid: number) => expect.poll(() => processRef(pid), { timeout: 5000 }).toBeUndefined();

describe('a daemon', () => {
  test('has a session of its own, no input, and a log of its own', async () => {
    const logFile = join(scratch, 'log');
    writeFileSync(logFile, 'of an earlier run');
    const ref = await startDaemon(
      sh('read x; echo "read: $x"; echo err >&2; pwd; exec sleep 600'),
      { logFile },
    );
    try {
      await expect.poll(() => readFileSync(logFile, 'utf8'), patient).toBe('read: \nerr\n/\n');
      const fields = readFileSync(`/proc/${ref.pid}/stat`, 'utf8').split(') ')[1]?.split(' ');
      expect(fields?.[3]).toBe(String(ref.pid));
      expect(isAlive(ref)).toBe(true);
    } finally {
      kill(ref, 'SIGKILL');
    }
    await gone(ref.pid);
    expect(isAlive(ref)).toBe(false);
  });

  test('has of the variables of whoever starts it the basic ones alone', async () => {
    const logFile = join(scratch, 'log');
    const own = { DAEMON_TOKEN: 'canary', http_proxy: 'http://me:canary@proxy.example:1' };
    const before = { ...process.env };
    Object.assign(process.env, own);
    try {
      await startDaemon(['env'], { logFile, env: { GIVEN: 'yes' } });
      const lived = await run(['env'], quietIo(), { livesOn: true });
      await expect.poll(() => readFileSync(logFile, 'utf8'), patient).toContain('GIVEN=yes');
      for (const text of [readFileSync(logFile, 'utf8'), lived.stdout]) {
        expect(text).toMatch(/^PATH=/m);
        expect(text).not.toContain('canary');
      }
    } finally {
      for (const name of Object.keys(own)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  test('has no descriptor that who starts it was started with by somebody else', async () => {
    const logFile = join(scratch, 'log');
    const daemons = join(import.meta.dirname, 'daemons.ts');
    const processes = join(import.meta.dirname, 'processes.ts');
    const quiet = join(import.meta.dirname, '../core/quiet-io.ts');
    const list = 'for n in 0 1 2 3 63 64; do echo "$n $(readlink /proc/$$/fd/$n)"; done';
    const script = `import { startDaemon } from ${JSON.stringify(daemons)};
      import { run } from ${JSON.stringify(processes)};
      import { quietIo } from ${JSON.stringify(quiet)};
      await startDaemon(['sh', '-c', ${JSON.stringify(list)}], { logFile: ${JSON.stringify(logFile)} });
      const lived = await run(['sh', '-c', ${JSON.stringify(list)}], quietIo(), { livesOn: true });
      console.log(lived.stdout);`;
    const bundle = join(scratch, 'parent.mjs');
    await build({
      ...{ stdin: { contents: script, resolveDir: scratch }, outfile: bundle, bundle: true },
      ...{ platform: 'node', format: 'esm' },
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire('/');",
      },
    });
    const pipe = openSync(join(scratch, 'of-a-shell'), 'w');
    const parent = spawn(process.execPath, [bundle], {
      stdio: ['ignore', 'pipe', 'inherit', ...Array(60).fill(null), pipe, pipe],
    });
    children.push(parent);
    closeSync(pipe);
    const stdout = await new Promise<string>((resolve) => {
      let text = '';
      parent.stdout?.on('data', (chunk) => {
        text += chunk;
      });
      parent.once('close', () => resolve(text));
    });
    await expect.poll(() => readFileSync(logFile, 'utf8'), patient).toMatch(/^64 /m);
    for (const text of [stdout, readFileSync(logFile, 'utf8')]) {
      expect(text).toMatch(/^63 /m);
      expect(text).not.toContain('of-a-shell');
    }
  });

  test('makes its log for this user alone', async () => {
    const logFile = join(scratch, 'log');
    const ref = await startDaemon(['true'], { logFile });
    expect(statSync(logFile).mode & 0o777).toBe(0o600);
    await gone(ref.pid);
  });

  test('that is not there is named', async () => {
    const started = startDaemon(['clonebox-no-such-tool'], { logFile: join(scratch, 'log') });
    await expect(started).rejects.toMatchObject({ code: 'host-unable' });
  });
});

describe('a daemon that is fed', () => {
  test('gets all the bytes and the end of them, however many there are', async () => {
    const logFile = join(scratch, 'log');
    for (const bytes of [0, 1, 5_000_000]) {
      const { process: ref, feed } = await startFedDaemon(sh('wc -c <&3'), { logFile });
      await feed(new Uint8Array(bytes));
      await gone(ref.pid);
      expect(readFileSync(logFile, 'utf8').trim()).toBe(String(bytes));
    }
  });

  test('may end without having read them', async () => {
    const logFile = join(scratch, 'log');
    const early = await startFedDaemon(['true'], { logFile });
    await gone(early.process.pid);
    await early.feed(new Uint8Array(5_000_000));
    const midway = await startFedDaemon(sh('head -c 10 <&3 >/dev/null'), { logFile });
    await midway.feed(new Uint8Array(5_000_000));
    await gone(midway.process.pid);
  });

  test('sees the end when who started it is killed', async () => {
    const logFile = join(scratch, 'log');
    const source = join(import.meta.dirname, 'daemons.ts');
    const script = `import { startFedDaemon } from ${JSON.stringify(source)};
      const { process: { pid } } = await startFedDaemon(['sh', '-c', 'wc -c <&3'], { logFile: ${JSON.stringify(logFile)} });
      console.log(pid);
      setInterval(() => {}, 1000);`;
    const bundle = join(scratch, 'parent.mjs');
    await build({
      ...{ stdin: { contents: script, resolveDir: scratch }, outfile: bundle, bundle: true },
      ...{ platform: 'node', format: 'esm' },
    });
    const parent = spawn(process.execPath, [bundle], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(parent);
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    expect(processRef(pid)).toBeDefined();
    parent.kill('SIGKILL');
    await gone(pid);
    expect(readFileSync(logFile, 'utf8').trim()).toBe('0');
  });
});
