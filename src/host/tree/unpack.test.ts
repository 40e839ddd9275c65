import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Headers, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Archive, ProjectTree, Received } from '../../core/project-tree.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { openTree } from './open-tree.ts';

let scratch: string;
let tree: ProjectTree;
beforeEach(async () => {
  scratch = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cbu-')));
  const opened = await openTree(scratch);
  if (opened.kind !== 'tree') throw new Error(opened.kind);
  tree = opened.tree;
});
afterEach(async () => {
  await tree.close();
  fs.rmSync(scratch, { recursive: true });
});

type Entry = [name: string, more?: Partial<Headers>, content?: string];

function archive(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const made = pack();
  for (const [name, more = {}, content = ''] of entries) made.entry({ name, ...more }, content);
  made.finalize();
  return made as unknown as AsyncIterable<Uint8Array>;
}

function receive(bytes: AsyncIterable<Uint8Array>, more: Partial<Archive> = {}): Promise<Received> {
  return tree.receive('x', { bytes, whole: async () => {}, ...more }, quietIo());
}

const there = () => fs.readdirSync(scratch);
const directory = { type: 'directory' } as const;
const pax = (values: Record<string, string>) => ({ pax: values }) as Partial<Headers>;

/** The header of an entry that says it is this long, and no content. */
async function header(more: Headers): Promise<Uint8Array> {
  const made = pack();
  made.entry(more);
  const { value } = await (made as unknown as AsyncIterable<Uint8Array>)
    [Symbol.asyncIterator]()
    .next();
  return value;
}

/** An archive that begins like this and then goes on with one byte for ever; `sent` says how far it was read. */
function endless(head: Uint8Array, byte: number, sent: { bytes: number }) {
  return (async function* () {
    yield head;
    for (const more = Buffer.alloc(1 << 16, byte); sent.bytes < 1 << 28; sent.bytes += more.length)
      yield more;
  })();
}

describe('an archive that has no end', () => {
  it('of one name is given up before it fills the memory', async () => {
    const head = await header({ name: 'x', size: 2 ** 31 });
    // What it is called in a header: x is an extended one, L a long name.
    for (const type of ['x', 'g', 'L', 'K']) {
      head[156] = type.charCodeAt(0);
      const sum = head.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
      Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `).copy(head, 148);
      const sent = { bytes: 0 };
      const done = receive(endless(head, 97, sent));
      await expect(done, type).rejects.toMatchObject({ code: 'refused' });
      expect(sent.bytes).toBeLessThan(1 << 23);
    }
    expect(there()).toEqual([]);
  });

  it('of nothing is given up', async () => {
    const done = receive(endless(Buffer.alloc(512), 0, { bytes: 0 }));
    await expect(done).rejects.toMatchObject({ code: 'refused' });
    expect(there()).toEqual([]);
  });

  it('of one file is ended by Ctrl-C, and nothing is there', async () => {
    const ctrlC = new AbortController();
    const head = await header({ name: 'top', size: 2 ** 31 });
    const bytes = endless(head, 97, { bytes: 0 });
    const io = { ...quietIo(ctrlC.signal), emit: () => ctrlC.abort(new Error('Ctrl-C')) };
    const done = tree.receive('x', { bytes, whole: async () => {} }, io);
    await expect(done).rejects.toThrow();
    expect(ctrlC.signal.aborted).toBe(true);
    expect(there()).toEqual([]);
  });
});

describe('an archive of nonsense', () => {
  it.each<[string, Entry[]]>([
    ['a tree that is too deep', [[`top/${'a/'.repeat(30_000)}f`]]],
    ['a size that is no number', [['top', pax({ size: 'all' }), 'x'], ['top/b']]],
    ['a size below nothing', [['top', pax({ size: '-5' }), 'x'], ['top/b']]],
    ['a link to nothing at all', [['top/l', { ...pax({ linkpath: '' }), type: 'symlink' }]]],
    ['a link with a zero byte', [['top/l', { ...pax({ linkpath: 'a\0b' }), type: 'symlink' }]]],
    ['a name with a zero byte', [['top/l', pax({ path: 'top/a\0b' })]]],
    [
      'links by way of a directory of programs',
      [
        ['top/up', { type: 'symlink', linkname: '/usr/bin/..' }],
        ['top/l', { type: 'symlink', linkname: 'up/../etc/passwd' }],
      ],
    ],
  ])('with %s is refused, and nothing is there', async (_, entries) => {
    await expect(receive(archive(entries))).rejects.toMatchObject({ code: 'refused' });
    expect(there()).toEqual([]);
  });

  it.each<[string, Entry[]]>([
    ['nothing', []],
    ['a pipe', [['top', { type: 'fifo' }]]],
  ])('with %s alone says so', async (_, entries) => {
    await expect(receive(archive(entries))).rejects.toMatchObject({ code: 'guest-failed' });
    expect(there()).toEqual([]);
  });

  it('with directories told again and again has them once', async () => {
    const again = Array.from({ length: 1000 }, (): Entry => ['top', { ...directory, mode: 0o750 }]);
    await receive(archive(again));
    expect(fs.statSync(join(scratch, 'x')).mode & 0o777).toBe(0o750);
  });

  it('with times beyond all measure has others', async () => {
    await receive(archive([['top', pax({ mtime: '1e300' }), 'x']]));
    expect(fs.statSync(join(scratch, 'x')).mtimeMs).toBe(0);
    await receive(archive([['top', pax({ mtime: '-100000.5' }), 'x']]));
    expect(fs.statSync(join(scratch, 'x')).mtimeMs).toBe(-100_000_500);
  });
});

it('fills a directory that is there and leaves it its mode and time', async () => {
  fs.mkdirSync(join(scratch, 'x'), { mode: 0o700 });
  const tar = () =>
    archive([
      ['top', { ...directory, mode: 0o777 }],
      ['top/sub', { ...directory, mode: 0o750 }],
      ['top/sub/file', {}, 'x'],
    ]);
  await receive(tar(), { fills: true });
  expect(fs.statSync(join(scratch, 'x')).mode & 0o777).toBe(0o700);
  expect(fs.statSync(join(scratch, 'x/sub')).mode & 0o777).toBe(0o750);
  expect(fs.readdirSync(join(scratch, 'x'))).toEqual(['sub']);
  await receive(tar());
  expect(fs.statSync(join(scratch, 'x')).mode & 0o777).toBe(0o777);
});
