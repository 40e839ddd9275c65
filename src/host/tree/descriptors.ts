import * as callbacks from 'node:fs';
import { type BigIntStats, constants } from 'node:fs';
import { promisify } from 'node:util';
import type { FileFacts, FileIdentity } from '../../core/file-facts.ts';

// Plain descriptors, which nothing closes but us: a FileHandle closes itself when it is forgotten.

export const open = promisify(callbacks.open);
export const close = promisify(callbacks.close);
export const readlink = promisify(callbacks.readlink);
export const readdir = promisify(callbacks.readdir);

const readdirBytes = promisify(callbacks.readdir) as (
  path: string,
  options: { encoding: 'buffer' },
) => Promise<Buffer[]>;

const fstat = promisify(callbacks.fstat);

/** open(2): a place in the file system and not its content; opens no pipe, no device, and no link's target. */
export const pathOnly = 0o10000000 | constants.O_NOFOLLOW;

/** The path by which the kernel finds what a descriptor is, whatever it is called. */
export function itself(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** A name in a directory: text, or the bytes of one that is none. */
export type Name = string | Buffer;

/** A name in a directory, beneath its descriptor. It must be one name: no slash, no `..`. */
export function beneath<T extends Name>(directory: number, name: T): T {
  const base = `/proc/self/fd/${directory}/`;
  if (!isOneName(name)) {
    const code = Buffer.byteLength(name) > longestName ? 'ENAMETOOLONG' : 'EINVAL';
    throw Object.assign(new Error(`not one name: ${JSON.stringify(String(name))}`), { code });
  }
  const path = typeof name === 'string' ? base + name : Buffer.concat([Buffer.from(base), name]);
  return path as T;
}

/** Bytes that a name has at most. */
const longestName = 255;

/** Whether it is the name of something in a directory, and leads nowhere else. */
export function isOneName(name: Name): boolean {
  const bytes = Buffer.from(name as string);
  const text = bytes.toString('latin1');
  if (text === '' || text === '.' || text === '..') return false;
  return bytes.length <= longestName && !bytes.includes(0) && !bytes.includes('/');
}

/** The names in an open directory, as bytes. */
export async function namesIn(directory: number): Promise<Buffer[]> {
  return await readdirBytes(itself(directory), { encoding: 'buffer' });
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** `undefined` when nothing of this name is in the directory. */
export async function openName(directory: number, name: Name): Promise<number | undefined> {
  if (!isOneName(name)) return undefined;
  try {
    return await open(beneath(directory, name), pathOnly);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

export async function statOf(descriptor: number): Promise<BigIntStats> {
  return await fstat(descriptor, { bigint: true });
}

export function identityOf(stat: BigIntStats): FileIdentity {
  return { device: stat.dev, inode: stat.ino, born: stat.birthtimeNs };
}

export function factsOf(stat: BigIntStats): FileFacts {
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    allocated: Number(stat.blocks) * 512,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    modified: Number(stat.mtimeMs),
  };
}

function kindOf(stat: BigIntStats): FileFacts['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isSocket() ? 'socket' : 'other';
}
