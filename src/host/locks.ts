import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { CloneboxError } from '../core/errors.ts';
import type { HeldLock, LockHolder } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { redact } from '../lib/redact.ts';
import { explain, isFull, localFiles } from './files.ts';
import { explainSpawn } from './programs.ts';

/**
 * flock(2) on an open descriptor of this process: Node has no call for it, so flock(1) takes the lock on the
 * descriptor it inherits, and ends. The lock belongs to the open file description, which stays with us and
 * dies with us, so a crash always releases it.
 */
function takeFlock(fd: number, { wait, signal }: Waiting): Promise<boolean> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...patience(wait), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      // Ctrl-C is ours: a flock that ends by it would say that the lock is taken.
      detached: true,
    });
    const giveUp = () => child.kill();
    signal.addEventListener('abort', giveUp);
    child.once('error', (error: NodeJS.ErrnoException) => reject(explainSpawn(error, 'flock')));
    child.once('close', (code) => {
      signal.removeEventListener('abort', giveUp);
      if (signal.aborted) reject(signal.reason);
      else resolve(code === 0);
    });
  });
}

/** `wait` is in milliseconds and may be `Infinity`: who waits lies in the kernel and costs nobody anything. */
interface Waiting {
  readonly wait: number;
  readonly signal: AbortSignal;
}

function patience(wait: number): string[] {
  if (wait <= 0) return ['-n'];
  return wait === Number.POSITIVE_INFINITY ? [] : ['-w', String(wait / 1000)];
}

async function readHolder(path: string): Promise<LockHolder | undefined> {
  try {
    const holder = JSON.parse(await fs.readFile(path, 'utf8')) as LockHolder;
    return typeof holder.pid === 'number' ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the lock at `path`, or fails with `conflict` and the holder's pid, command and start. */
export async function lock(
  path: string,
  io: Io,
  options: { what: string; wait?: number },
): Promise<HeldLock> {
  const { what, wait = 0 } = options;
  const begun = Date.now();
  await localFiles.makeDirectory(dirname(path));
  let handle: fs.FileHandle;
  try {
    // Mode a+: never truncate before the lock is ours, the holder's name is in there.
    handle = await fs.open(path, 'a+', 0o600);
  } catch (error) {
    throw explain(error, path);
  }
  try {
    if (!(await takeFlock(handle.fd, { wait, signal: io.signal })))
      throw locked(what, await readHolder(path));
    if (!(await isSameFile(handle, path))) {
      // Its holder removed the file while we waited: what we have locked is nobody's lock any more.
      await handle.close();
      return lock(path, io, { what, wait: wait - (Date.now() - begun) });
    }
    await handle.truncate(0);
    const holder: LockHolder = {
      pid: process.pid,
      command: commandLine(),
      since: new Date().toISOString(),
    };
    // Who has it is told for people: a full disk must not keep anybody from freeing it.
    await handle.write(JSON.stringify(holder)).catch((error: unknown) => {
      if (!isFull(error)) throw error;
    });
  } catch (error) {
    await handle.close();
    throw explain(error, path);
  }
  return {
    release: async () => {
      // The holder's command may name a VM that is gone by now.
      await handle.truncate(0).catch(() => {});
      await handle.close();
    },
  };
}

/** What the user typed, up to the command for the guest: that is nobody's business. */
function commandLine(): string {
  const argv = process.argv.slice(2);
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  return redact(['clonebox', ...own].join(' ')).slice(0, 200);
}

async function isSameFile(handle: fs.FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([handle.stat(), fs.stat(path).catch(() => undefined)]);
  return there !== undefined && ours.ino === there.ino && ours.dev === there.dev;
}

function locked(what: string, holder: LockHolder | undefined): CloneboxError {
  const by = holder
    ? `process ${holder.pid} (${holder.command}), since ${holder.since}`
    : 'another process';
  return new CloneboxError('conflict', `${what} is locked by ${by}`, {
    hint: 'Wait until it has ended, or stop it; then try again.',
    facts: { locked: true, holder },
  });
}

/** True when some living process holds the lock. */
export async function isLocked(path: string): Promise<boolean> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(path, 'r');
  } catch {
    return false;
  }
  try {
    return !(await takeFlock(handle.fd, {
      wait: 0,
      signal: new AbortController().signal,
    }));
  } finally {
    await handle.close();
  }
}
