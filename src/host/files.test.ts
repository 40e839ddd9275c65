import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import { canOpen, localFiles as files } from './files.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

let scratch: string;
beforeEach(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => fs.rmSync(scratch, { recursive: true }));
const at = (...parts: string[]) => join(scratch, ...parts);
const read = (name: string) => fs.readFileSync(at(name), 'utf8');
const modeOf = (name: string) => fs.statSync(at(name)).mode & 0o777;
const isRoot = process.getuid?.() === 0;

describe.each([
  ['writeAtomic', files.writeAtomic],
  ['writeNew', files.writeNew],
])('%s', (_, write) => {
  test('writes text and bytes, for this user alone unless told otherwise', async () => {
    await write(at('text'), 'ünï');
    await write(at('bytes'), Uint8Array.of(0, 255), 0o644);
    expect(read('text')).toBe('ünï');
    expect([...fs.readFileSync(at('bytes'))]).toEqual([0, 255]);
    expect([modeOf('text'), modeOf('bytes')]).toEqual([0o600, 0o644]);
    expect(fs.readdirSync(scratch).sort()).toEqual(['bytes', 'text']);
  });

  test('leaves nothing in the place of a directory', async () => {
    fs.mkdirSync(at('directory'));
    await expect(write(at('directory'), 'x')).rejects.toThrow();
    expect(fs.readdirSync(scratch)).toEqual(['directory']);
    expect(fs.readdirSync(at('directory'))).toEqual([]);
  });

  test('leaves nothing where there is no directory', async () => {
    await expect(write(at('no/such/file'), 'x')).rejects.toThrow();
    expect(fs.readdirSync(scratch)).toEqual([]);
  });

  test('says what is wrong below a file, in a circle of links, and with a name too long', async () => {
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync('circle', at('circle'));
    for (const path of [at('file/x'), at('circle/x'), at('x'.repeat(300), 'x')]) {
      await expect(write(path, 'x')).rejects.toMatchObject({ code: 'host-unable' });
    }
  });

  test.skipIf(!isRoot)('leaves nothing on a full disk, and says so (as root)', async (context) => {
    fs.mkdirSync(at('small'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'clonebox-test', at('small')], {
        stdio: 'pipe',
      });
    } catch (error) {
      return context.skip(`no tmpfs may be mounted: ${error}`);
    }
    try {
      fs.writeFileSync(at('small/kept'), 'kept');
      const written = write(at('small/big'), 'x'.repeat(1 << 20));
      await expect(written).rejects.toMatchObject({
        code: 'host-unable',
        message: expect.stringContaining('the disk is full'),
        hint: expect.stringContaining('Free some space'),
        facts: { path: at('small/big'), errno: 'ENOSPC' },
      });
      expect(fs.readdirSync(at('small'))).toEqual(['kept']);
      await write(at('small/little'), 'x');
    } finally {
      execFileSync('umount', [at('small')]);
    }
  });
});

test('writeAtomic replaces a file as a whole, also one that is a link', async () => {
  fs.writeFileSync(at('target'), 'old');
  fs.symlinkSync('target', at('link'));
  await files.writeAtomic(at('link'), 'new');
  expect(read('link')).toBe('new');
  expect(read('target')).toBe('old');
  await files.writeAtomic(at('target'), 'newer', 0o640);
  expect(read('target')).toBe('newer');
  expect(modeOf('target')).toBe(0o640);
});

test('a reader never sees half of a file that is written again and again', async () => {
  const texts = ['a', 'b'].map((letter) => letter.repeat(100_000));
  await files.writeAtomic(at('file'), texts[0] as string);
  const writing = (async () => {
    for (let turn = 0; turn < 20; turn++)
      await files.writeAtomic(at('file'), texts[turn % 2] as string);
  })();
  for (let turn = 0; turn < 100; turn++) expect(texts).toContain(await files.readText(at('file')));
  await writing;
});

test('writeNew never replaces, not even a link to nowhere', async () => {
  fs.writeFileSync(at('file'), 'precious');
  fs.symlinkSync('nowhere', at('link'));
  for (const name of ['file', 'link']) {
    const conflict = { code: 'conflict', facts: { path: at(name) } };
    await expect(files.writeNew(at(name), 'x')).rejects.toMatchObject(conflict);
  }
  expect(read('file')).toBe('precious');
  expect(fs.readdirSync(scratch).sort()).toEqual(['file', 'link']);
});

test('of ten that make the same new file one succeeds, and its content is whole', async () => {
  const tries = Array.from({ length: 10 }, (_, n) =>
    files.writeNew(at('file'), `${n}`.repeat(1000)),
  );
  const results = await Promise.allSettled(tries);
  const [won, ...others] = results.flatMap((result, n) =>
    result.status === 'fulfilled' ? [n] : [],
  );
  expect(others).toEqual([]);
  expect(read('file')).toBe(`${won}`.repeat(1000));
  expect(fs.readdirSync(scratch)).toEqual(['file']);
});

test('appended lines come one after the other', async () => {
  for (const line of ['one\n', 'two\n']) await files.appendSynced(at('log'), line);
  expect(read('log')).toBe('one\ntwo\n');
  expect(modeOf('log')).toBe(0o600);
});

test('readTail gives the end of a file, and nothing of one that is not there', async () => {
  fs.writeFileSync(at('log'), 'one\ntwo\n');
  expect(await files.readTail(at('log'), 4)).toBe('two\n');
  expect(await files.readTail(at('log'), 400)).toBe('one\ntwo\n');
  expect(await files.readTail(at('none'), 4)).toBe('');
});

test('what is not there is undefined, empty or done, and no error', async () => {
  for (const path of [at('none'), at('none/none')]) {
    expect(await files.readText(path)).toBeUndefined();
    expect(await files.readBytes(path)).toBeUndefined();
    expect(await files.facts(path)).toBeUndefined();
    expect(await files.realPath(path)).toBeUndefined();
    expect(await files.readLink(path)).toBeUndefined();
    expect(await files.list(path)).toEqual([]);
    await files.remove(path);
  }
});

test('a link is read as it is written, whether it leads anywhere or not', async () => {
  fs.symlinkSync('../no where', at('link'));
  fs.writeFileSync(at('file'), '');
  expect(await files.readLink(at('link'))).toBe('../no where');
  expect(await files.readLink(at('file'))).toBeUndefined();
  expect(await files.readLink(scratch)).toBeUndefined();
});

test('facts tell what something is, and do not follow links', async () => {
  fs.writeFileSync(at('file'), 'x'.repeat(5000));
  fs.mkdirSync(at('directory'));
  fs.symlinkSync('/', at('link'));
  execFileSync('mkfifo', [at('pipe')]);
  const server = createServer().listen(at('socket'));
  await expect.poll(() => fs.existsSync(at('socket')), patient).toBe(true);
  const kinds: Record<string, string | undefined> = {};
  for (const name of await files.list(scratch)) kinds[name] = (await files.facts(at(name)))?.kind;
  server.close();
  expect(kinds).toEqual({
    directory: 'directory',
    file: 'file',
    link: 'symlink',
    pipe: 'other',
    socket: 'socket',
  });
  expect(await files.facts(at('file'))).toMatchObject({ size: 5000, uid: process.getuid?.() });
});

test('facts tell a sparse file from a full one', async () => {
  fs.writeFileSync(at('sparse'), '');
  fs.truncateSync(at('sparse'), 1 << 26);
  const facts = await files.facts(at('sparse'));
  expect(facts?.size).toBe(1 << 26);
  expect(facts?.allocated).toBeLessThan(1 << 20);
});

test('removing a tree does not follow links out of it', async () => {
  fs.mkdirSync(at('tree/deep'), { recursive: true });
  fs.mkdirSync(at('outside'));
  fs.writeFileSync(at('outside/kept'), '');
  fs.symlinkSync('../../outside', at('tree/deep/link'));
  await files.remove(at('tree'));
  expect(fs.readdirSync(scratch)).toEqual(['outside']);
  expect(fs.readdirSync(at('outside'))).toEqual(['kept']);
});

test('directories are made with their parents, for this user alone', async () => {
  await files.makeDirectory(at('a/b'));
  await files.makeDirectory(at('a/b'));
  expect([modeOf('a'), modeOf('a/b')]).toEqual([0o700, 0o700]);
});

test('a sum is that of the whole file, and can be interrupted', async () => {
  const content = 'x'.repeat(3_000_000);
  fs.writeFileSync(at('file'), content);
  const sum = createHash('sha256').update(content).digest('hex');
  expect(await files.sha256(at('file'), quietIo())).toBe(sum);
  const io = { ...quietIo(), signal: AbortSignal.abort() };
  await expect(files.sha256(at('file'), io)).rejects.toThrow();
});

test('what can be opened is what this user may read and write', async () => {
  fs.writeFileSync(at('file'), '');
  expect(await canOpen(at('file'))).toBe(true);
  expect(await canOpen(at('none'))).toBe(false);
  expect(await canOpen(scratch)).toBe(false);
});
