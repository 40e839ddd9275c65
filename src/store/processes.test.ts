import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createStoreBed, type StoreBed, web } from '../../test/fixtures/store-bed.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { Lease } from '../core/record.ts';
import type { Paths, Store } from '../core/store.ts';
import { createHost } from '../host/local.ts';

// Real processes, that lock, lease and die.

const io = quietIo();
/**
 * Leases three ports for the VM in argv and prints them; `clone` waits in a journal's step to be killed, `delete` behind
 * its decision.
 */
const worker = `
  import { createHost } from './src/host/local.ts';
  import { createPaths } from './src/store/paths.ts';
  import { createAudit } from './src/store/audit/audit.ts';
  import { newOperationId } from './src/lib/operation-id.ts';
  import { quietIo } from './src/core/quiet-io.ts';
  import { createStore } from './src/store/store.ts';
  const [, , name, operation] = process.argv;
  const host = createHost();
  const paths = createPaths(host);
  const audit = createAudit({ host, paths });
  const store = createStore({ host, paths, audit, handlers: { undo: {}, finish: {} } });
  const io = quietIo();
  const tell = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
  const wanted = [
    { name: 'ssh', guest: 22, host: undefined },
    { name: 'web', guest: 80, host: 21500 },
    { name: 'db', guest: 5432, host: undefined },
  ];
  const { directory } = paths.vm(name);
  await store.withLock(name, io, async () => {
    if (operation === undefined) {
      await host.files.makeDirectory(directory);
      return tell(await store.lease(name, wanted, io));
    }
    const id = newOperationId();
    const actor = { user: 'me', uid: 1, login: null, host: 'here', pid: process.pid, remote: null };
    const facts = { id, event: 'vm.create', actor, target: null, correlation: id, parent: null };
    const journal = await store.beginJournal({ ...facts, details: {} }, name);
    if (operation === 'delete') {
      await store.lease(name, wanted, io);
      const finish = { kind: 'purge-vm', driver: 'qemu', name };
      await journal.finish('gone for good', finish, async () => {
        tell('half done');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });
    }
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
    define: { __FAULTS__: 'false' },
    logLevel: 'error',
  });
});
afterAll(() => rmSync(scratch, { recursive: true }));

let bed: StoreBed;
let paths: Paths;
let store: Store;
beforeEach(() => {
  bed = createStoreBed({ canBind: createHost().canBind });
  ({ paths, store } = bed);
});
afterEach(() => bed.remove());

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

async function leases(): Promise<unknown> {
  return JSON.parse((await bed.host.files.readText(paths.leases)) ?? '').leases;
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
    { operation: 'vm.create', vm: 'web', lastStep: 'make the directory', way: 'undo' },
  ]);
  const recovered = await store.withLock(web, io, () => store.recover(web, io));
  expect(recovered).toHaveLength(1);
  expect(await store.names()).toEqual([]);
  expect(await store.unfinished()).toEqual([]);
  expect(await leases()).toEqual([]);
  expect(bed.told()).toMatchObject([
    { event: 'vm.create', outcome: 'failure', actor: { pid: child.pid } },
    { event: 'system.recover', outcome: 'success' },
  ]);
});

test('what a killed process had decided is brought to its end by the next', async () => {
  bed.makeVm(web);
  const child = start('web', 'delete');
  const end = ended(child);
  expect(await firstLine(child)).toBe('half done');
  expect(await store.unfinished()).toEqual([]);
  expect(await leases()).toHaveLength(3);
  child.kill('SIGKILL');
  await end;

  expect(await store.unfinished()).toMatchObject([{ lastStep: 'gone for good', way: 'finish' }]);
  await store.withLock(web, io, () => store.recover(web, io));
  expect(await store.names()).toEqual([]);
  expect(await leases()).toEqual([]);
  expect(bed.told()).toMatchObject([
    { event: 'vm.create', outcome: 'success' },
    { event: 'system.recover', details: { way: 'finished' } },
  ]);
});

test('a lock is given back when the action fails', async () => {
  const failing = store.withLock(web, io, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await store.isLocked(web)).toBe(false);
  expect(await store.withLock(web, io, async () => 'again')).toBe('again');
});
