import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Headers, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectTree, Received } from '../../core/project-tree.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { openTree } from './open-tree.ts';

let scratch: string;
let tree: ProjectTree;
beforeEach(async () => {
  scratch = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cbr-')));
  fs.mkdirSync(at('share'));
  fs.mkdirSync(at('outside'));
  fs.writeFileSync(at('outside/secret'), 'SECRET');
  const opened = await openTree(at('share'));
  if (opened.kind !== 'tree') throw new Error(opened.kind);
  tree = opened.tree;
});
afterEach(async () => {
  await tree.close();
  fs.rmSync(scratch, { recursive: true });
});

const at = (...parts: string[]) => join(scratch, ...parts);
const read = (name: string) => fs.readFileSync(at('share', name), 'utf8');
const names = () => fs.readdirSync(at('share'), { recursive: true, encoding: 'utf8' }).sort();

type Entry = [name: string, more?: Partial<Headers>, content?: string];

function archive(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const made = pack();
  for (const [name, more = {}, content = ''] of entries) {
    made.entry({ name, mtime: new Date(1_600_000_000_000), ...more }, content);
  }
  made.finalize();
  return made as unknown as AsyncIterable<Uint8Array>;
}

const directory = { type: 'directory' } as const;
const link = (linkname: string) => ({ type: 'symlink', linkname }) as const;

function receive(entries: readonly Entry[], name = 'x', whole = async () => {}): Promise<Received> {
  return tree.receive(name, { bytes: archive(entries), whole }, quietIo());
}

/** Nothing of what was sent is there, and nothing else was touched. */
async function expectRefused(entries: readonly Entry[], code = 'refused'): Promise<void> {
  const before = names();
  await expect(receive(entries)).rejects.toMatchObject({ code });
  expect(names()).toEqual(before);
  expect(fs.readdirSync(at('outside'))).toEqual(['secret']);
  expect(fs.readFileSync(at('outside/secret'), 'utf8')).toBe('SECRET');
}

describe('what a guest sends', () => {
  it('is there with its links, modes and times', async () => {
    const received = await receive([
      ['top', { ...directory, mode: 0o555 }],
      [
        'top/file',
        { mode: 0o4751, pax: { mtime: '1600000000.25' } } as Partial<Headers>,
        'content',
      ],
      ['top/dir', { ...directory, mode: 0o500 }],
      ['top/dir/link', link('../file')],
      ['top/dir/nowhere', link('nothing')],
      ['top/hard', { type: 'link', linkname: 'top/file' }],
      ['top/pipe', { type: 'fifo' }],
      [`top/${'long'.repeat(60)}`, {}, 'long'],
      ['top/ünï\\code: \n*', {}, ''],
    ]);
    expect(received).toEqual({ files: 4, bytes: 11, skipped: ['pipe'] });
    const file = fs.statSync(at('share/x/file'));
    expect([file.mode & 0o7777, file.mtimeMs, file.nlink]).toEqual([0o751, 1_600_000_000_250, 2]);
    const inner = fs.statSync(at('share/x/dir'));
    expect([inner.mode & 0o777, inner.mtimeMs]).toEqual([0o500, 1_600_000_000_000]);
    expect(fs.statSync(at('share/x')).mode & 0o777).toBe(0o555);
    expect(fs.readlinkSync(at('share/x/dir/link'))).toBe('../file');
    expect(fs.lstatSync(at('share/x/dir/nowhere')).mtimeMs).toBe(1_600_000_000_000);
    expect(names()).toContain('x/ünï\\code: \n*');
  });

  it('can be a file, in the place of another, and of a link without following it', async () => {
    fs.symlinkSync('../outside/secret', at('share/x'));
    await receive([['top', { mode: 0o640 }, 'new']]);
    expect(read('x')).toBe('new');
    expect(fs.lstatSync(at('share/x')).isFile()).toBe(true);
    expect(fs.readFileSync(at('outside/secret'), 'utf8')).toBe('SECRET');
  });

  it('fills up a directory that is there, replaces files, and links in the place of files', async () => {
    fs.mkdirSync(at('share/x/both'), { recursive: true });
    fs.writeFileSync(at('share/x/both/old'), 'old');
    fs.writeFileSync(at('share/x/both/same'), 'old');
    fs.symlinkSync('../../../outside/secret', at('share/x/both/file'));
    await receive([
      ['top/both/same', {}, 'new'],
      ['top/both/file', {}, 'new'],
    ]);
    expect(['old', 'same', 'file'].map((name) => read(`x/both/${name}`))).toEqual([
      ...['old', 'new', 'new'],
    ]);
    expect(fs.readFileSync(at('outside/secret'), 'utf8')).toBe('SECRET');
  });

  it('goes through no link that is there, and nothing of it is moved in then', async () => {
    fs.mkdirSync(at('share/x'));
    fs.symlinkSync('../../outside', at('share/x/sub'));
    await expectRefused([
      ['top/a', {}, ''],
      ['top/sub/new', {}, 'x'],
    ]);
  });

  it('does not put a directory in the place of a file, nor a file in that of a directory', async () => {
    fs.mkdirSync(at('share/x/dir'), { recursive: true });
    fs.writeFileSync(at('share/x/file'), '');
    await expectRefused([['top/file/inner', {}, '']], 'conflict');
    await expectRefused([['top/dir', {}, '']], 'conflict');
  });

  it('is not there when it was not all of it', async () => {
    const whole = () => Promise.reject(new Error('cut off'));
    await expect(receive([['top', {}, 'x']], 'x', whole)).rejects.toThrow('cut off');
    expect(names()).toEqual([]);
  });
});

describe('a hostile archive', () => {
  it.each<[string, Entry[]]>([
    ['a whole path', [['/etc/evil', {}, 'x']]],
    ['a path above', [['top/../../outside/evil', {}, 'x']]],
    ['a path above by itself', [['../outside/evil', {}, 'x']]],
    ['another name than the one that was asked for', [['other', {}, 'x']]],
    ['a name that is too long', [[`top/${'n'.repeat(300)}`, {}, 'x']]],
    [
      'a link out',
      [
        ['top', directory],
        ['top/l', link('../../outside')],
      ],
    ],
    ['a link out by a whole path', [['top/l', link('/etc/passwd')]]],
    ['a link out as the top', [['top', link('../outside')]]],
    [
      'a file through its own link',
      [
        ['top/l', link('.')],
        ['top/l/evil', {}, 'x'],
      ],
    ],
    [
      'a file through a link out',
      [
        ['top/l', link('../../outside')],
        ['top/l/evil', {}, 'x'],
      ],
    ],
    [
      'a directory in the place of its link',
      [
        ['top/l', link('.')],
        ['top/l', directory],
      ],
    ],
    [
      'a file twice',
      [
        ['top/a', {}, '1'],
        ['top/a', {}, '2'],
      ],
    ],
    ['a hard link out', [['top/h', { type: 'link', linkname: '/etc/passwd' }]]],
    ['a hard link above', [['top/h', { type: 'link', linkname: 'top/../../outside/secret' }]]],
    ['a hard link to nothing', [['top/h', { type: 'link', linkname: 'top/none' }]]],
    [
      'a hard link to a link',
      [
        ['top/l', link('x')],
        ['top/h', { type: 'link', linkname: 'top/l' }],
      ],
    ],
    [
      'a hard link through a link',
      [
        ['top/l', link('../../outside')],
        ['top/h', { type: 'link', linkname: 'top/l/secret' }],
      ],
    ],
  ])('with %s is refused, and nothing is there', async (_, entries) => {
    await expectRefused(entries);
  });
});

/** Makes a directory of the share a link that leads out and back, as fast as it can, and whatever is being received. */
function swapper(): ChildProcess {
  const script = `
    const fs = require('node:fs');
    const share = process.argv[1];
    const swap = (name) => {
      try {
        fs.renameSync(share + '/' + name, share + '/spare');
        fs.symlinkSync('../outside', share + '/' + name);
        fs.unlinkSync(share + '/' + name);
        fs.renameSync(share + '/spare', share + '/' + name);
      } catch { try { fs.rmSync(share + '/spare', { recursive: true }); } catch {} }
    };
    process.stdout.write('.');
    for (;;) for (const name of fs.readdirSync(share)) if (name !== 'spare') swap(name);`;
  return spawn(process.execPath, ['-e', script, at('share')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

it('a guest that renames all the time never gets anything out', { timeout: 30_000 }, async () => {
  fs.mkdirSync(at('share/x/sub'), { recursive: true });
  const guest = swapper();
  await new Promise((resolve) => guest.stdout?.once('data', resolve));
  let done = 0;
  try {
    for (const until = Date.now() + 3000; Date.now() < until; ) {
      const entries: Entry[] = [
        ['top/sub/secret', {}, 'OURS'],
        ['top/new', {}, 'OURS'],
      ];
      await receive(entries).then(
        () => {
          done += 1;
        },
        () => {},
      );
    }
  } finally {
    guest.kill('SIGKILL');
  }
  expect(done).toBeGreaterThan(0);
  expect(fs.readdirSync(at('outside'))).toEqual(['secret']);
  expect(fs.readFileSync(at('outside/secret'), 'utf8')).toBe('SECRET');
});
