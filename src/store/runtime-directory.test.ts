import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileFacts } from '../core/file-facts.ts';
import type { Host } from '../core/host.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { checkRuntime, ensureRuntime } from './runtime-directory.ts';

let root: string;
let host: Host;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cb-run-'));
  // Too long a home, so that the runtime directory is in the temporary directory `root`.
  host = createHost({ CLONEBOX_HOME: `/${'h'.repeat(90)}`, TMPDIR: root });
});
afterEach(() => rmSync(root, { recursive: true }));
const unable = (message: string) =>
  expect.objectContaining({ code: 'host-unable', message: expect.stringContaining(message) });

/** The same machine, seen by a user to whom the files at `path` belong differently. */
function seeing(path: string, facts: Partial<FileFacts>): Host {
  const real = host.files.facts;
  const seen = async (at: string) => {
    const found = await real(at);
    return found && at === path ? { ...found, ...facts } : found;
  };
  return { ...host, files: { ...host.files, facts: seen } };
}

test('it is made private, and making it again is no error', async () => {
  const paths = createPaths(host);
  await ensureRuntime(host, paths);
  await ensureRuntime(host, paths);
  expect(statSync(paths.runtime).mode & 0o7777).toBe(0o700);
  expect(statSync(`${paths.runtime}/vms`).mode & 0o7777).toBe(0o700);
});

test('one that others can only read becomes private', async () => {
  const paths = createPaths(host);
  mkdirSync(paths.runtime);
  chmodSync(paths.runtime, 0o755);
  await ensureRuntime(host, paths);
  expect(statSync(paths.runtime).mode & 0o7777).toBe(0o700);
});

test.each([0o720, 0o702, 0o777, 0o1777])('one with mode %o is refused', async (mode) => {
  const paths = createPaths(host);
  mkdirSync(paths.runtime);
  chmodSync(paths.runtime, mode);
  await expect(ensureRuntime(host, paths)).rejects.toEqual(unable('can be written by other users'));
});

test('one of another user is refused', async () => {
  const paths = createPaths(host);
  mkdirSync(paths.runtime, { mode: 0o700 });
  const other = seeing(paths.runtime, { uid: host.user.uid + 1 });
  await expect(ensureRuntime(other, paths)).rejects.toEqual(unable('belongs to another user'));
});

test('a symbolic link in its place is refused', async () => {
  const paths = createPaths(host);
  mkdirSync(join(root, 'elsewhere'), { mode: 0o700 });
  symlinkSync(join(root, 'elsewhere'), paths.runtime);
  await expect(ensureRuntime(host, paths)).rejects.toEqual(unable('is a symlink'));
});

test('a parent where anyone may rename it is refused, one with the sticky bit is not', async () => {
  const paths = createPaths(host);
  chmodSync(root, 0o777);
  await expect(ensureRuntime(host, paths)).rejects.toEqual(unable('no sticky bit'));
  chmodSync(root, 0o1777);
  await expect(ensureRuntime(host, paths)).resolves.toBeUndefined();
});

test('a parent of another user is refused', async () => {
  const paths = createPaths(host);
  const other = seeing(root, { uid: host.user.uid + 1 });
  await expect(ensureRuntime(other, paths)).rejects.toEqual(unable('directory of another user'));
});

test('looking at one that is not there is fine and makes nothing', async () => {
  const paths = createPaths(host);
  await checkRuntime(host, paths);
  expect(await host.files.facts(paths.runtime)).toBeUndefined();
});
