import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectTree } from '../../core/project-tree.ts';
import { openPlace, openTree } from './open-tree.ts';

let scratch: string;
let tree: ProjectTree;
beforeEach(async () => {
  scratch = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cbt-')));
  fs.mkdirSync(at('project/inner/deep'), { recursive: true });
  fs.mkdirSync(at('outside'));
  fs.writeFileSync(at('outside/secret'), 'SECRET');
  fs.writeFileSync(at('project/plain'), 'plain');
  fs.writeFileSync(at('project/inner/deep/file'), 'deep');
  tree = await opened(at('project'));
});
afterEach(async () => {
  await tree.close();
  fs.rmSync(scratch, { recursive: true });
});

const at = (...parts: string[]) => join(scratch, ...parts);
const link = (target: string, name: string) => fs.symlinkSync(target, at('project', name));
const limit = 1024;

async function opened(path: string): Promise<ProjectTree> {
  const found = await openTree(path);
  if (found.kind !== 'tree') throw new Error(`${path}: ${found.kind}`);
  return found.tree;
}

async function text(path: string): Promise<string> {
  const read = await tree.read(path, limit);
  return read.kind === 'file' ? Buffer.from(read.bytes).toString() : read.kind;
}

describe('a link', () => {
  it.each([
    ['to a file', 'plain', 'plain'],
    ['to a directory on the way', 'inner/deep/../deep/file', 'deep'],
    ['with .. that stays', 'inner/up/plain', 'plain'],
    ['by its whole path', 'whole', 'deep'],
    ['to a link', 'second', 'plain'],
  ])('that stays inside is followed: %s', async (_, path, content) => {
    link('..', 'inner/up');
    link(at('project/inner/deep/file'), 'whole');
    link('plain', 'first');
    link('first', 'second');
    expect(await text(path)).toBe(content);
  });

  it.each([
    ['with ..', '../outside/secret', 'bad'],
    ['by a whole path', '/etc/hostname', 'bad'],
    ['in the middle of a path', '../outside', 'bad/secret'],
    ['by a whole path that only begins like the tree', 'PROJECT-other', 'bad'],
    ['by a whole path and ..', 'PROJECT/../outside/secret', 'bad'],
  ])('that leads out is not followed: %s', async (_, target, path) => {
    link(target.replace('PROJECT', at('project')), 'bad');
    expect(await tree.read(path, limit)).toMatchObject({
      ...{ kind: 'outside', link: at('project/bad') },
    });
    expect(await tree.look(path)).toMatchObject({ kind: 'outside' });
    await expect(tree.replace(path, 'x', 0o600)).rejects.toMatchObject({ code: 'refused' });
    expect(await tree.list(path)).toEqual([]);
  });

  it('to nothing, or in a circle, is told', async () => {
    link('nothing', 'dangling');
    link('circle', 'circle');
    expect(await tree.look('dangling')).toEqual({ kind: 'dangling' });
    expect(await tree.look('circle')).toEqual({ kind: 'dangling' });
    expect(await tree.look('nothing')).toEqual({ kind: 'absent' });
    expect(await tree.entry('dangling')).toMatchObject({ kind: 'symlink' });
  });

  it('in the path of a tree is told', async () => {
    fs.renameSync(at('project'), at('moved'));
    fs.symlinkSync('outside', at('project'));
    expect(await openTree(at('project'))).toEqual({
      ...{ kind: 'link', link: at('project'), target: 'outside' },
    });
    // What was opened before is what it was.
    expect(await text('plain')).toBe('plain');
  });
});

describe('a file', () => {
  it('is read once: a later read tells the same', async () => {
    expect(await text('plain')).toBe('plain');
    fs.writeFileSync(at('project/plain'), 'another');
    expect(await text('plain')).toBe('plain');
    await tree.replace('plain', 'ours', 0o644);
    expect(await text('plain')).toBe('ours');
  });

  it('that is none, or too large, is not read', async () => {
    fs.writeFileSync(at('project/large'), 'x'.repeat(limit + 1));
    const { status } = await import('node:child_process').then((m) =>
      m.spawnSync('mkfifo', [at('project/pipe')]),
    );
    expect(status).toBe(0);
    expect((await tree.read('large', limit)).kind).toBe('too-large');
    expect((await tree.read('pipe', limit)).kind).toBe('not-a-file');
    expect((await tree.read('inner', limit)).kind).toBe('not-a-file');
    expect((await tree.read('plain/below', limit)).kind).toBe('absent');
  });

  it('is read to its end, though it says that it is shorter', async () => {
    const own = await opened(`/proc/${process.pid}`);
    try {
      const read = await own.read('maps', 1024 ** 2);
      if (read.kind !== 'file') throw new Error(read.kind);
      expect(read.facts.size).toBe(0);
      expect(read.bytes.length).toBeGreaterThan(4096);
      expect(Buffer.from(read.bytes).toString()).toMatch(/\n$/);
      expect((await own.read('smaps', 5000)).kind).toBe('too-large');
    } finally {
      await own.close();
    }
  });

  it('is opened for a program, and that is the same file whatever its name is given to', async () => {
    const file = await tree.openFile('plain');
    if (file.kind !== 'file') throw new Error(file.kind);
    fs.rmSync(at('project/plain'));
    link(at('outside/secret'), 'plain');
    expect(fs.readFileSync(`/proc/self/fd/${file.descriptor}`, 'utf8')).toBe('plain');
    await file.close();
    await file.close();
    const kinds = await Promise.all(
      ['plain', 'inner', 'nothing'].map(async (name) => (await tree.openFile(name)).kind),
    );
    expect(kinds).toEqual(['outside', 'not-a-file', 'absent']);
  });

  it('whose name no file can have is not there, and cannot be written', async () => {
    for (const name of ['n'.repeat(300), 'a\0b', `inner/${'ü'.repeat(200)}/x`]) {
      expect((await tree.look(name)).kind).toBe('absent');
      await expect(tree.replace(name, 'x', 0o600)).rejects.toThrow();
    }
    expect((await openTree(at('project', 'n'.repeat(300)))).kind).toBe('absent');
    await expect(tree.replace('n'.repeat(300), 'x', 0o600)).rejects.toMatchObject({
      code: 'host-unable',
    });
  });

  it('is new, or written anew, whole and with its mode', async () => {
    await tree.writeNew('inner/new', 'content', 0o640);
    expect(fs.statSync(at('project/inner/new')).mode & 0o777).toBe(0o640);
    await expect(tree.writeNew('inner/new', 'x', 0o600)).rejects.toMatchObject({
      code: 'conflict',
    });
    link('inner/new', 'alias');
    await tree.replace('alias', 'anew', 0o600);
    expect(fs.readFileSync(at('project/inner/new'), 'utf8')).toBe('anew');
    expect(fs.lstatSync(at('project/alias')).isSymbolicLink()).toBe(true);
    expect(fs.readdirSync(at('project/inner')).sort()).toEqual(['deep', 'new']);
  });

  it('half written by a writer that is gone is swept, and never through a link', async () => {
    const draft = `project/.clonebox-${2 ** 22 + 7}-0123456789ab.tmp`;
    fs.mkdirSync(at(draft, 'x'), { recursive: true });
    fs.symlinkSync(at('outside'), at(draft, 'x/out'));
    fs.symlinkSync(at('outside'), at('project', '.clonebox-4194311-0123456789ac.tmp'));
    await tree.sweepDrafts(async () => true);
    expect(fs.readdirSync(at('project')).sort()).toEqual(['inner', 'plain']);
    expect(fs.readFileSync(at('outside/secret'), 'utf8')).toBe('SECRET');
  });
});

describe('a place that a user has named', () => {
  const place = (path: string) =>
    openPlace(at(path), { isFloor: (one) => one.path === at('project') });

  it('is found by the user’s own links, and not by those of a floor', async () => {
    fs.symlinkSync('outside', at('mine'));
    link('../outside', 'theirs');
    link('inner', 'within');
    const mine = await place('mine/new');
    expect(mine).toMatchObject({ kind: 'place', name: 'new', floor: undefined });
    expect(mine.kind === 'place' && mine.parent.path).toBe(at('outside'));
    expect(await place('project/theirs/new')).toMatchObject({
      ...{ kind: 'outside', floor: at('project'), link: at('project/theirs') },
    });
    const within = await place('project/within/new');
    expect(within.kind === 'place' && within.parent.path).toBe(at('project/inner'));
    expect(within).toMatchObject({ floor: at('project'), facts: undefined });
    expect(await place('none/new')).toEqual({ kind: 'absent', missing: at('none') });
  });

  it('that is reached by the user’s own link into a floor is held there', async () => {
    fs.symlinkSync(at('project'), at('mine'));
    link('../outside/secret', 'bad');
    expect(await place('mine/bad')).toMatchObject({ kind: 'outside', floor: at('project') });
  });
});

it.each(['/usr/local/bin/tool', '/usr/bin/X11', '/bin/sh'])(
  'what is to be written is not reached by a link to %s',
  async (program) => {
    fs.symlinkSync(program, at('outside/tool'));
    fs.symlinkSync('tool', at('outside/alias'));
    const open = (path: string, toWrite: boolean) =>
      openPlace(at('outside', path), { isFloor: () => false, toWrite });
    for (const path of ['tool', 'alias', 'tool/new']) {
      expect(await open(path, true)).toEqual({
        ...{ kind: 'outside', floor: at('outside'), link: at('outside/tool'), target: program },
      });
    }
    expect(await open('tool', false)).not.toMatchObject({ kind: 'outside' });
  },
);

/** Renames as fast as it can, as a guest could: a name is a directory, then a link that leads out, and so on. */
function swapper(name: string): ChildProcess {
  const script = `
    const fs = require('node:fs');
    const [name, spare] = process.argv.slice(1);
    fs.symlinkSync('../outside', spare);
    process.stdout.write('.');
    for (;;) {
      fs.renameSync(name, name + '.real'); fs.renameSync(spare, name);
      fs.renameSync(name, spare); fs.renameSync(name + '.real', name);
    }`;
  const spare = at('project/spare');
  return spawn(process.execPath, ['-e', script, at('project', name), spare], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

it('a directory that is swapped for a link all the time never leads out', {
  timeout: 20_000,
}, async () => {
  fs.writeFileSync(at('project/inner/secret'), 'ours');
  const guest = swapper('inner');
  await new Promise((resolve) => guest.stdout?.once('data', resolve));
  const seen = new Set<string>();
  try {
    for (const until = Date.now() + 2000; Date.now() < until; ) {
      const fresh = await opened(at('project'));
      const read = await fresh.read('inner/secret', limit);
      seen.add(read.kind === 'file' ? Buffer.from(read.bytes).toString() : read.kind);
      await fresh.replace('inner/secret', 'ours', 0o600).catch(() => {});
      await fresh.close();
    }
  } finally {
    guest.kill('SIGKILL');
  }
  expect(seen).toContain('ours');
  expect(
    [...seen].filter((one) => !['ours', 'outside', 'absent', 'dangling'].includes(one)),
  ).toEqual([]);
  expect(fs.readFileSync(at('outside/secret'), 'utf8')).toBe('SECRET');
  expect(fs.readdirSync(at('outside'))).toEqual(['secret']);
});
