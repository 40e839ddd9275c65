import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CloneboxError } from '../core/errors.ts';
import type { FileContent, FileFacts } from '../core/file-facts.ts';
import type { Files } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { openFile, overwriteSynced, truncateSynced } from './open-files.ts';

/** `undefined` instead of an error when nothing is there; every other failure is explained by `explain`. */
async function orUndefined<T>(path: string, action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw explain(error, path);
  }
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  // ESRCH: a file of /proc whose process ended while it was read.
  return code !== undefined && ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ESRCH'].includes(code);
}

/** True when there was no room to write: on the disk, or in the user's share of it. */
export function isFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Turns an errno into an error the user can act on. Others are passed on as they are. */
export function explain(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  const facts = { path, errno: code };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CloneboxError('host-unable', `the disk is full: could not write ${path}`, {
        hint: 'Free some space (`clonebox image prune`, `clonebox list`), then try again.',
        facts,
        cause: error,
      });
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new CloneboxError('host-unable', `no permission for ${path}`, {
        hint: 'Check its owner and mode, or point CLONEBOX_HOME and CLONEBOX_CACHE elsewhere.',
        facts,
        cause: error,
      });
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new CloneboxError('host-unable', `${path} cannot be made: ${reasons[code]}`, {
        hint: 'Point CLONEBOX_HOME and CLONEBOX_CACHE to directories that can be made.',
        facts,
        cause: error,
      });
    default:
      return error;
  }
}

const reasons = {
  ENOTDIR: 'a part of it is a file, not a directory',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'it is too long',
};

export async function explained<T>(path: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw explain(error, path);
  }
}

async function sync(path: string): Promise<void> {
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file, or a directory, that is being written, with the pid of its writer. */
const draftPattern = /^\.clonebox-(\d+)-[0-9a-f]{12}\.tmp$/;

/** Who writes, or wrote, what has this name; `undefined` when it is no draft. */
export function draftWriter(name: string): number | undefined {
  const pid = draftPattern.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Names its writer, so that a later process can tell what was left by a crash (store/drafts.ts). */
export function draftName(): string {
  return `.clonebox-${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
}

async function writeTemporary(path: string, content: FileContent, mode: number): Promise<string> {
  const temporary = join(dirname(path), draftName());
  const handle = await fs.open(temporary, 'wx', mode);
  try {
    await fs.writeFile(handle, content);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  return temporary;
}

async function writeAtomic(path: string, content: FileContent, mode: number): Promise<void> {
  const temporary = await writeTemporary(path, content, mode);
  try {
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await sync(dirname(path));
}

async function writeNew(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = await writeTemporary(path, content, mode);
  try {
    await fs.link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new CloneboxError('conflict', `${path} exists already`, { facts: { path } });
  } finally {
    await fs.rm(temporary, { force: true });
  }
  await sync(dirname(path));
}

async function appendSynced(path: string, line: string): Promise<void> {
  const handle = await fs.open(path, 'a', 0o600);
  try {
    await handle.appendFile(line);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Step by step: Node's own recursive mkdir never ends where the system says ENOENT below a parent that exists (/proc). */
async function makeDirectory(path: string, mode: number, again = true): Promise<void> {
  try {
    await fs.mkdir(path, { mode });
    // Else a cut of the power takes it away with all that is synced in it.
    await sync(dirname(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' && (await fs.stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    if ((await facts(dirname(path))) !== undefined) {
      // Another process may have made the one above just now.
      if (again) return makeDirectory(path, mode, false);
      throw new CloneboxError('host-unable', `the directory ${path} cannot be made`, {
        hint: 'Point CLONEBOX_HOME and CLONEBOX_CACHE to places where directories can be made.',
        facts: { path, errno: code },
        cause: error,
      });
    }
    await makeDirectory(dirname(path), mode);
    await makeDirectory(path, mode);
  }
}

async function makeScratch(directory: string): Promise<string> {
  await makeDirectory(directory, 0o700);
  const path = join(directory, draftName());
  await fs.mkdir(path, { mode: 0o700 });
  return path;
}

/** Durable: what comes back after a cut of the power was said to be gone. */
async function remove(path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true, maxRetries: 3 });
  await sync(dirname(path)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

async function readTail(path: string, bytes: number): Promise<string> {
  const handle = await orUndefined(path, fs.open(path, 'r'));
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}

async function facts(path: string): Promise<FileFacts | undefined> {
  const stat = await orUndefined(path, fs.lstat(path));
  if (stat === undefined) return undefined;
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : stat.isSocket()
          ? 'socket'
          : 'other';
  return {
    kind,
    size: stat.size,
    allocated: stat.blocks * 512,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    modified: stat.mtimeMs,
  };
}

async function sha256(path: string, io: Io): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal: io.signal })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

/** True when the file opens for reading and writing; devices are closed again at once. */
export async function canOpen(path: string): Promise<boolean> {
  try {
    await (await fs.open(path, 'r+')).close();
    return true;
  } catch {
    return false;
  }
}

/** The files of this machine, as `Files` promises them. */
export const localFiles: Files = {
  readText: async (path) => (await orUndefined(path, fs.readFile(path)))?.toString('utf8'),
  readBytes: (path) => orUndefined(path, fs.readFile(path)),
  readTail,
  writeAtomic: (path, content, mode = 0o600) => explained(path, writeAtomic(path, content, mode)),
  writeNew: (path, content, mode = 0o600) => explained(path, writeNew(path, content, mode)),
  appendSynced: (path, line) => explained(path, appendSynced(path, line)),
  overwriteSynced: (path, content) => explained(path, overwriteSynced(path, content)),
  truncate: (path, size) => explained(path, truncateSynced(path, size)),
  open: (path) => orUndefined(path, openFile(path)),
  facts,
  identity: async (path) => {
    const stat = await fs.stat(path, { bigint: true }).catch(() => undefined);
    return stat && { device: stat.dev, inode: stat.ino, born: stat.birthtimeNs };
  },
  list: async (path) => (await orUndefined(path, fs.readdir(path)))?.sort() ?? [],
  makeDirectory: (path, mode = 0o700) => explained(path, makeDirectory(path, mode)),
  makeScratch: (path) => explained(path, makeScratch(path)),
  remove: (path) => explained(path, remove(path)),
  rename: (from, to) => explained(to, fs.rename(from, to)),
  copy: (from, to) => explained(to, fs.copyFile(from, to, constants.COPYFILE_FICLONE)),
  symlink: (target, path) => explained(path, fs.symlink(target, path)),
  readLink: (path) =>
    orUndefined(
      path,
      fs.readlink(path).catch((error: unknown) => {
        // There is something, but no link.
        if ((error as NodeJS.ErrnoException).code === 'EINVAL') return undefined;
        throw error;
      }),
    ),
  realPath: (path) =>
    orUndefined(
      path,
      fs.realpath(path).catch((error: unknown) => {
        // Links in a circle lead nowhere, like a link to nothing.
        if ((error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
        throw error;
      }),
    ),
  freeBytes: async (path) => {
    const { bavail, bsize } = await fs.statfs(path);
    return bavail * bsize;
  },
  sha256,
  setMode: (path, mode) => explained(path, fs.chmod(path, mode)),
  sync,
};
