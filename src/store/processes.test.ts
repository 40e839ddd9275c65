import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { parseVmName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Lease } from '../core/record.ts';
import type { Paths, Store } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { createStore } from './store.ts';
import { removePathUndo } from './undo-path.ts';

// Real processes, that lock, lease and die.

const io = quietIo();
const web = parseVmName('web');

/** Leases three ports for the VM in argv, prints them, and with `clone` waits in a journal's step to be killed. */
const worker = `
  import { createHost } from './src/host/local.ts';
  import { createPaths } from './src/store/paths.ts';
  import { quietIo } from './src/core/quiet-io.ts';
  import { createStore } from './src/store/store.ts';
  const [, , name, operation] = process.argv;
  const host = createHost();
  const paths = createPaths(host);
  const store = createStore({ host, paths, undoHandlers: {} });
  const io = quietIo();
  const tell = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
  const wanted = [
    { name: 'ssh', guest: 22, host: undefined },
    { name: 'web', guest: 80, host: 21500 },
    { name: 'db', guest: 5432, host: undefined },
  ];
  const { directory } = paths.vm(name);
  await store.withLock(name, io, async () => {
    if (operation !== 'clone') {
      await host.files.makeDirectory(directory);
      return tell(await store.lease(name, wanted, io));
    }
    const journal = await store.beginJournal(operation, name);
    await journal.step('lease ports', { kind: 'release-leases', name }, () => store.lease(name, wanted, io));
    await journal.step('make the directory', { kind: 'remove-path', path: directory }, async () => {
      await host.files.makeDirectory(directory);
      tell('half done');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
  });
`;

const scratch = mkdtempSync(join(tmpdir(), 'cb-worker-'));
const script = join(scratch, 'worker.mjs');
beforeAll(async () => {
  const resolveDir = fileURLToPath(new URL('../..', import.meta.url));
  await build({
    stdin: { contents: worker, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: script,
    logLevel: 'error',
  });
});
afterAll(() => rmSync(scratch, { recursive: true }));

let host: Host;
let paths: Paths;
let store: Store;
beforeEach(() => {
  host = createHost({ ...process.env, CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) });
  paths = createPaths(host);
  store = createStore({
    host,
    paths,
    undoHandlers: {
      'remove-path': removePathUndo(host, paths),
      'release-leases': ({ name }, io) => store.release(name, io),
      'stop-machine': async () => {},
      'restore-vm': async () => {},
    },
  });
});
afterEach(() => rmSync(paths.home, { recursive: true }));

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, CLONEBOX_HOME: paths.home };
  return spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

function firstLine(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(JSON.parse(text));
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('close', () => resolve()));
}

test('twenty processes at once never share a port', { timeout: 60_000 }, async () => {
  const children = Array.from({ length: 20 }, (_, index) => start(`vm-${index}`));
  const ends = children.map(ended);
  const leases = (await Promise.all(children.map(firstLine))) as Lease[][];
  await Promise.all(ends);
  const ports = leases.flat().map((lease) => lease.host);
  expect(ports).toHaveLength(60);
  expect(new Set(ports).size).toBe(60);
  for (const [ssh, web, db] of leases) {
    expect(ssh?.host).toSatisfy((port: number) => port >= 22_000 && port < 23_000);
    expect(web?.host).toBeGreaterThanOrEqual(21_500);
    expect(db?.host).toBeGreaterThanOrEqual(20_000);
  }
});

test('a second process is refused the lock and told who has it', async () => {
  const child = start('web', 'clone');
  expect(await firstLine(child)).toBe('half done');
  expect(await store.isLocked(web)).toBe(true);
  await expect(store.withLock(web, io, async () => {})).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(new RegExp(`^vm web is locked by process ${child.pid} `)),
    facts: { holder: { pid: child.pid, command: 'clonebox web clone' } },
  });
  expect(await store.unfinished()).toEqual([]);
  const end = ended(child);
  child.kill('SIGKILL');
  await end;
});

test('a killed process leaves no lock, and what it began is undone by the next', async () => {
  const child = start('web', 'clone');
  const end = ended(child);
  expect(await firstLine(child)).toBe('half done');
  expect(await store.names()).toEqual(['web']);
  child.kill('SIGKILL');
  await end;

  expect(await store.unfinished()).toMatchObject([
    { operation: 'clone', vm: 'web', lastStep: 'make the directory' },
  ]);
  const recovered = await store.withLock(web, io, () => store.recover(web, io));
  expect(recovered).toHaveLength(1);
  expect(await store.names()).toEqual([]);
  expect(await store.unfinished()).toEqual([]);
  expect(JSON.parse((await host.files.readText(paths.leases)) ?? '')).toMatchObject({ leases: [] });
});

test('a lock is given back when the action fails', async () => {
  const failing = store.withLock(web, io, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await store.isLocked(web)).toBe(false);
  expect(await store.withLock(web, io, async () => 'again')).toBe('again');
});
