import { spawnSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { LogFile } from '../core/host.ts';
import { explain } from './files.ts';

interface Place {
  readonly path: string;
  readonly limit: number;
  readonly keep: number;
}

/**
 * The log at `path`, as `Host.logFile` promises it. Everything is done before `append` returns: a line that was written
 * when a process dies is not lost with it. Lines go out by one write(2) each on an O_APPEND descriptor, so they never mix.
 */
export function createLogFile(path: string, options: { limit: number; keep: number }): LogFile {
  const place: Place = { path, ...options };
  let open: { readonly fd: number; readonly stats: Stats } | undefined;
  const close = () => {
    if (open !== undefined) closeSync(open.fd);
    open = undefined;
  };
  /** The descriptor of the file that has this name now: another process may have moved on to the next. */
  const current = () => {
    const there = statOf(path);
    if (open !== undefined && !isSame(open.stats, there)) close();
    if (open === undefined) {
      const fd = openSync(path, 'a', 0o600);
      open = { fd, stats: fstatSync(fd) };
    }
    return { ...open, size: there?.size ?? 0 };
  };
  return {
    append: (line, { create }) => {
      try {
        if (!makeDirectories(dirname(path), create)) return false;
        const bytes = Buffer.from(line);
        const { size, stats } = current();
        if (size > 0 && size + bytes.length > place.limit) rotate(place, stats);
        writeWhole(current().fd, bytes);
        return true;
      } catch (error) {
        throw explain(error, path);
      }
    },
  };
}

/** `log/clonebox.jsonl` becomes `log/clonebox.3.jsonl`. */
function olderPath(path: string, age: number): string {
  return path.replace(/(\.\w+)?$/, (extension) => `.${age}${extension}`);
}

/** Moves each file on by one, if the full one still has its name. When another process is at it, that is left to it. */
function rotate({ path, keep }: Place, full: Stats): void {
  const lock = openSync(`${path}.lock`, 'a', 0o600);
  try {
    if (!tryFlock(lock) || !isSame(full, statOf(path))) return;
    for (let age = keep - 1; age >= 1; age -= 1) {
      renameIfThere(olderPath(path, age), olderPath(path, age + 1));
    }
    renameIfThere(path, olderPath(path, 1));
  } finally {
    closeSync(lock);
  }
}

/** See locks.ts. Here in one go, because a log must be written before the next thing happens. */
function tryFlock(fd: number): boolean {
  return (
    spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] }).status === 0
  );
}

/** write(2) takes less than all of it only when the disk gets full meanwhile: then the next one says so. */
function writeWhole(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

/** False when there is no place for the directory and none is to be made. */
function makeDirectories(path: string, create: boolean): boolean {
  if (statOf(path) !== undefined) return true;
  if (!create && statOf(dirname(path)) === undefined) return false;
  // Step by step: Node's own recursive mkdir never ends below some places, such as /proc.
  if (dirname(path) !== path) makeDirectories(dirname(path), create);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return true;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return other !== undefined && one.ino === other.ino && one.dev === other.dev;
}
