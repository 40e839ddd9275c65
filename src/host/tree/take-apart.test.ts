import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectTree } from '../../core/project-tree.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { openTree } from './open-tree.ts';

const io = quietIo();
let root: string;
let tree: ProjectTree;
const at = (...names: string[]) => join(root, ...names);
const put = (name: string, text: string, mode = 0o644) => {
  fs.mkdirSync(dirname(at(name)), { recursive: true });
  fs.writeFileSync(at(name), text);
  fs.chmodSync(at(name), mode);
};
const links = (name: string) => fs.statSync(at(name)).nlink;

beforeEach(async () => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cbl-')));
  put('store/tool', '#!/bin/sh\n', 0o751);
  put('store/data', 'data');
  put('project/own', 'own');
  fs.mkdirSync(at('project/node_modules/a'), { recursive: true });
  fs.linkSync(at('store/tool'), at('project/node_modules/a/tool'));
  fs.utimesSync(at('store/tool'), 1_500_000_000, 1_500_000_000.25);
  fs.linkSync(at('project/own'), at('project/twin'));
  const opened = await openTree(at('project'));
  if (opened.kind !== 'tree') throw new Error('no tree');
  tree = opened.tree;
});
afterEach(async () => {
  await tree.close();
  fs.rmSync(root, { recursive: true });
});

describe('files of a tree that have other names', () => {
  it('are those outside of it: twins in it are nobody else’s business', async () => {
    expect(await tree.findLinkedElsewhere(io)).toMatchObject({ files: 1, bytes: 10 });
  });

  it('have a content of their own afterwards, and all else as it was', async () => {
    await tree.takeApart(await tree.findLinkedElsewhere(io), io);
    const [own, stored] = ['project/node_modules/a/tool', 'store/tool'].map((name) =>
      fs.statSync(at(name)),
    );
    expect(own?.ino).not.toBe(stored?.ino);
    const facts = (stat: fs.Stats | undefined) => [stat?.mode, stat?.uid, stat?.gid, stat?.mtimeMs];
    expect(facts(own)).toEqual(facts(stored));
    expect(own?.nlink).toBe(1);
    fs.writeFileSync(at('project/node_modules/a/tool'), 'of the guest');
    expect(fs.readFileSync(at('store/tool'), 'utf8')).toBe('#!/bin/sh\n');
    expect(links('project/own')).toBe(2);
    expect(fs.readdirSync(at('project/node_modules/a'))).toEqual(['tool']);
    expect((await tree.findLinkedElsewhere(io)).files).toBe(0);
  });

  it('are found by names that are no text, and by all of their names', async () => {
    const odd = Buffer.concat([Buffer.from(at('project/')), Buffer.from([0xff, 0x0a, 0x41])]);
    fs.linkSync(at('store/data'), odd);
    fs.linkSync(at('store/data'), at('project/again'));
    const linked = await tree.findLinkedElsewhere(io);
    expect(linked).toMatchObject({ files: 2, bytes: 10 + 2 * 4 });
    await tree.takeApart(linked, io);
    expect(links('store/data')).toBe(1);
    expect(fs.readFileSync(odd, 'utf8')).toBe('data');
  });

  it.skipIf(process.getuid?.() !== 0)('are no more when a mount shows them twice', async () => {
    fs.linkSync(at('store/data'), at('project/node_modules/data'));
    fs.mkdirSync(at('project/mounted'));
    execFileSync('mount', ['--bind', at('project/node_modules'), at('project/mounted')]);
    try {
      const linked = await tree.findLinkedElsewhere(io);
      expect(linked.files).toBe(2);
      await tree.takeApart(linked, io);
      expect([links('store/data'), links('store/tool')]).toEqual([1, 1]);
    } finally {
      execFileSync('umount', [at('project/mounted')]);
    }
  });

  it('that are links or pipes by the time they are taken apart lead nowhere', async () => {
    fs.linkSync(at('store/data'), at('project/data'));
    const linked = await tree.findLinkedElsewhere(io);
    fs.rmSync(at('project/data'));
    fs.symlinkSync('../store/data', at('project/data'));
    fs.rmSync(at('project/node_modules'), { recursive: true });
    fs.symlinkSync('../store', at('project/node_modules'));
    await tree.takeApart(linked, io);
    expect(fs.readlinkSync(at('project/data'))).toBe('../store/data');
    expect(fs.readdirSync(at('store')).toSorted()).toEqual(['data', 'tool']);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'are not passed over because their owner has closed them',
    async () => {
      fs.chownSync(at('project/node_modules/a'), 65_534, 65_534);
      fs.chmodSync(at('project/node_modules/a'), 0o300);
      process.seteuid?.(65_534);
      try {
        await expect(tree.findLinkedElsewhere(io)).rejects.toMatchObject({
          facts: { errno: 'EACCES' },
        });
        process.seteuid?.(0);
        // Somebody else's is closed to the guest too.
        fs.chownSync(at('project/node_modules/a'), 1234, 1234);
        fs.chmodSync(at('project/node_modules/a'), 0o700);
        process.seteuid?.(65_534);
        expect((await tree.findLinkedElsewhere(io)).files).toBe(0);
      } finally {
        process.seteuid?.(0);
      }
    },
  );

  it('keep their holes', async () => {
    const sparse = fs.openSync(at('store/disk'), 'w');
    fs.writeSync(sparse, 'head', 0);
    fs.writeSync(sparse, 'tail', 64 * 1024 * 1024 - 4);
    fs.ftruncateSync(sparse, 64 * 1024 * 1024 + 100);
    fs.closeSync(sparse);
    fs.linkSync(at('store/disk'), at('project/disk'));
    await tree.takeApart(await tree.findLinkedElsewhere(io), io);
    const [own, stored] = [fs.statSync(at('project/disk')), fs.statSync(at('store/disk'))];
    expect([own.size, own.nlink]).toEqual([stored.size, 1]);
    expect(own.blocks * 512).toBeLessThan(4 * 1024 * 1024);
    expect(fs.readFileSync(at('project/disk')).equals(fs.readFileSync(at('store/disk')))).toBe(
      true,
    );
  });

  it('stay whole when it is interrupted', async () => {
    const linked = await tree.findLinkedElsewhere(io);
    const stop = quietIo(AbortSignal.abort(new Error('Ctrl-C')));
    await expect(tree.takeApart(linked, stop)).rejects.toThrow('Ctrl-C');
    expect(links('store/tool')).toBe(2);
  });
});
