import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import { isLocked, lock } from './locks.ts';

const io = quietIo();
const tools = mkdtempSync(join(tmpdir(), 'cb-'));
const children: ChildProcess[] = [];
let scratch: string;
let path: string;

/** Takes the lock at its first argument, says so, and keeps it until it is killed. */
const holder = `
  import { quietIo } from './src/core/quiet-io.ts';
  import { lock } from './src/host/locks.ts';
  await lock(process.argv[2], quietIo(), { what: 'it' });
  process.stdout.write('held');
  setInterval(() => {}, 1000);
`;
beforeAll(async () => {
  const resolveDir = fileURLToPath(new URL('../..', import.meta.url));
  await build({
    stdin: { contents: holder, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: join(tools, 'holder.mjs'),
    logLevel: 'silent',
  });
});
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
  path = join(scratch, 'locks/vm.lock');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true });
});
afterAll(() => rmSync(tools, { recursive: true }));

async function heldByAnother(): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, [join(tools, 'holder.mjs'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error('the holder ended')));
  });
  return child as ChildProcess & { pid: number };
}

test('a lock that is held is a conflict that names who holds it, since when', async () => {
  const { pid } = await heldByAnother();
  await expect(lock(path, io, { what: 'VM web' })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(
      `^VM web is locked by process ${pid} \\(clonebox .*\\), since 20`,
    ),
    facts: { locked: true, holder: { pid, command: expect.stringContaining(path) } },
  });
  expect(await isLocked(path)).toBe(true);
});

test('who waits for a lock has it once it is free, or is stopped', async () => {
  const child = await heldByAnother();
  const forever = { what: 'VM web', wait: Number.POSITIVE_INFINITY };
  const stop = new AbortController();
  const stopped = lock(path, quietIo(stop.signal), forever);
  const waiting = lock(path, io, forever);
  await expect(lock(path, io, { what: 'VM web', wait: 300 })).rejects.toMatchObject({
    code: 'conflict',
  });
  stop.abort(new Error('stopped'));
  await expect(stopped).rejects.toThrow('stopped');
  child.kill('SIGKILL');
  const held = await waiting;
  expect(await isLocked(path)).toBe(true);
  await held.release();
  expect(await isLocked(path)).toBe(false);
});

test('a lock is free as soon as its holder was killed', async () => {
  const child = await heldByAnother();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(await isLocked(path)).toBe(false);
  const held = await lock(path, io, { what: 'VM web' });
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await held.release();
});

test('who waits gets the lock when it is free', async () => {
  const child = await heldByAnother();
  const waiting = lock(path, io, { what: 'VM web', wait: 10_000 });
  child.kill('SIGKILL');
  await (await waiting).release();
});

test('who waits too long is told who holds it', async () => {
  const held = await lock(path, io, { what: 'VM web' });
  const waiting = lock(path, io, { what: 'VM web', wait: 150 });
  await expect(waiting).rejects.toMatchObject({ facts: { holder: { pid: process.pid } } });
  await held.release();
});

test('who waits leaves at once on Ctrl-C, and the lock is not his', async () => {
  const held = await lock(path, io, { what: 'VM web' });
  const interrupt = new AbortController();
  const waiting = lock(path, { ...io, signal: interrupt.signal }, { what: 'VM web', wait: 60_000 });
  interrupt.abort(new Error('Ctrl-C'));
  await expect(waiting).rejects.toThrow('Ctrl-C');
  await held.release();
  expect(await isLocked(path)).toBe(false);
});

test('ten who want a lock have it one after the other', async () => {
  let inside = 0;
  let turns = 0;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      const held = await lock(path, io, { what: 'VM web', wait: 15_000 });
      expect(++inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
      inside--;
      await held.release();
    }),
  );
  expect(turns).toBe(10);
});

test('of ten who do not wait one has it', async () => {
  const tries = Array.from({ length: 10 }, () => lock(path, io, { what: 'VM web' }));
  const results = await Promise.allSettled(tries);
  const held = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(held.length).toBe(1);
  await held[0]?.release();
});

test('a lock whose file was removed meanwhile is taken on the new file', async () => {
  const first = await lock(path, io, { what: 'VM web' });
  const waiting = lock(path, io, { what: 'VM web', wait: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  rmSync(path);
  await first.release();
  const second = await waiting;
  expect(existsSync(path)).toBe(true);
  expect(await isLocked(path)).toBe(true);
  await second.release();
});

test('a file of garbage is a lock like any other', async () => {
  await (await lock(path, io, { what: 'VM web' })).release();
  writeFileSync(path, '{"pid":"none"');
  const held = await lock(path, io, { what: 'VM web' });
  writeFileSync(path, 'garbage');
  const conflict = lock(path, io, { what: 'VM web' });
  await expect(conflict).rejects.toThrow('VM web is locked by another process');
  await held.release();
});

test('what was never locked is not locked', async () => {
  expect(await isLocked(path)).toBe(false);
  expect(existsSync(path)).toBe(false);
});
