import { type BigIntStats, constants, lstatSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { LinkedElsewhere } from '../../core/project-tree.ts';
import { draftName } from '../files.ts';
import { beneath, close, codeOf, isOneName, itself, open, statOf } from './descriptors.ts';

interface Walk {
  readonly signal: AbortSignal;
  visit(directory: number, name: Buffer, stat: BigIntStats): void | Promise<void>;
  /** The directories that were gone into, by what they are. */
  readonly been: Set<string>;
}

/** The files of a tree that have more names than it has: what is written to them changes outside of it. Changes nothing. */
export async function findLinkedElsewhere(
  descriptor: number,
  signal: AbortSignal,
): Promise<LinkedElsewhere> {
  const known = new Map<string, { readonly stat: BigIntStats; seen: number }>();
  const visit: Walk['visit'] = (_, __, stat) => {
    const key = keyOf(stat);
    const one = known.get(key) ?? { stat, seen: 0 };
    one.seen += 1;
    known.set(key, one);
  };
  await eachLinkedFile(descriptor, { signal, visit, been: new Set() });
  const elsewhere = [...known].filter(([, { stat, seen }]) => seen < stat.nlink);
  return {
    files: elsewhere.length,
    bytes: elsewhere.reduce((sum, [, { stat, seen }]) => sum + Number(stat.size) * seen, 0),
    keys: new Set(elsewhere.map(([key]) => key)),
  };
}

/**
 * Gives each of these files a content of its own, in place, with its owner, mode and times; the other names keep the old
 * one. A file is whole at every moment; cut short, some are done and some are not, and it may be repeated.
 */
export async function takeApart(
  descriptor: number,
  signal: AbortSignal,
  { keys }: Pick<LinkedElsewhere, 'keys'>,
): Promise<void> {
  await eachLinkedFile(descriptor, {
    ...{ signal, been: new Set() },
    visit: async (directory, name, stat) => {
      if (!keys.has(keyOf(stat))) return;
      try {
        // At the top, where what a crash leaves is looked for.
        await replaceByCopy(directory, { name, drafts: descriptor });
      } catch (error) {
        // A mount is between them.
        if (codeOf(error) !== 'EXDEV') throw error;
        await replaceByCopy(directory, { name, drafts: directory });
      }
    },
  });
}

/**
 * Calls for each file with more than one name, each directory opened beneath the one before. One that a mount shows in a
 * second place is the same directory: its names are no more than they are.
 */
async function eachLinkedFile(descriptor: number, walk: Walk): Promise<void> {
  const { signal, visit, been } = walk;
  const { dev, ino } = await statOf(descriptor);
  const here = `${dev}:${ino}`;
  if (been.has(here)) return;
  been.add(here);
  const entries = await fs.readdir(itself(descriptor), { withFileTypes: true, encoding: 'latin1' });
  for (const entry of entries) {
    signal.throwIfAborted();
    const name = Buffer.from(entry.name, 'latin1');
    if (!isOneName(name)) continue;
    if (entry.isDirectory()) {
      const inner = await openUnlessGone(beneath(descriptor, name), directoryOnly);
      if (inner === undefined) continue;
      await eachLinkedFile(inner, walk).finally(() => close(inner));
    } else if (entry.isFile()) {
      // Not waited for: there may be a hundred thousand of them.
      const stat = lstatSync(beneath(descriptor, name), { bigint: true, throwIfNoEntry: false });
      if (stat?.isFile() && stat.nlink > 1n) await visit(descriptor, name, stat);
    }
  }
}

/** By descriptors alone: whoever else writes there may rename what he likes, and gets what was his. */
async function replaceByCopy(
  directory: number,
  { name, drafts }: { name: Buffer; drafts: number },
): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const from = await openUnlessGone(beneath(directory, name), flags);
  if (from === undefined) return;
  const draft = beneath(drafts, draftName());
  try {
    const source = await fs.stat(itself(from));
    if (!source.isFile() || source.nlink < 2) return;
    const copy = await fs.open(draft, 'wx', 0o600);
    try {
      if (source.blocks * 512 < source.size) await copySparse(from, copy, source.size);
      else await fs.copyFile(itself(from), itself(copy.fd), constants.COPYFILE_FICLONE);
      await copy.chown(source.uid, source.gid);
      await copy.chmod(source.mode & 0o7777);
      await copy.utimes(source.atime, source.mtime);
    } finally {
      await copy.close();
    }
    await fs.rename(draft, beneath(directory, name));
  } catch (error) {
    await fs.rm(draft, { force: true });
    throw error;
  } finally {
    await close(from);
  }
}

/** A file with holes keeps them: the disk of a machine, or a database, may be mostly that. */
async function copySparse(from: number, copy: fs.FileHandle, size: number): Promise<void> {
  const source = await fs.open(itself(from), 'r');
  try {
    const block = Buffer.alloc(1024 * 1024);
    for (let at = 0; ; ) {
      const { bytesRead } = await source.read(block, 0, block.length, at);
      if (bytesRead === 0) break;
      const part = block.subarray(0, bytesRead);
      if (part.some((byte) => byte !== 0)) await copy.write(part, 0, bytesRead, at);
      at += bytesRead;
    }
    await copy.truncate(size);
  } finally {
    await source.close();
  }
}

const directoryOnly = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/**
 * `undefined` for what is something else, or nothing, by now; also for what is somebody else's and closed to this user, since
 * it is closed to the guest too. What is the user's own and closed could be opened by the guest: that fails, `EACCES`.
 */
async function openUnlessGone(place: Buffer, flags: number): Promise<number | undefined> {
  try {
    return await open(place, flags);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) return undefined;
    if (code === 'EACCES' && lstatSync(place).uid !== process.geteuid?.()) return undefined;
    throw error;
  }
}
