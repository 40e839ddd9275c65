import { isCloneboxError } from '../core/errors.ts';
import type { HeldLock } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { sha256 } from '../lib/sha256.ts';
import type { ImagesDeps } from './building.ts';

/** The short name under which a reference is locked, built and downloaded. */
export function keyOf(reference: string): string {
  return sha256(reference).slice(0, 16);
}

/** The lock of one key: in the cache and not in `paths.locks`, because several state directories may share a cache. */
export function lockPath({ paths }: ImagesDeps, key: string): string {
  return `${paths.cache}/locks/image-${key}.lock`;
}

/** Held for the moment in which the list of images changes. */
export function listLockPath({ paths }: ImagesDeps): string {
  return `${paths.cache}/locks/images.lock`;
}

/** Takes a lock; when another process has it, says so once and waits for as long as that takes. */
export async function lockPatiently(
  { host, paths, io }: ImagesDeps & { io: Io },
  path: string,
  what: string,
): Promise<HeldLock> {
  const held = await tryLock({ host, paths, io }, path);
  if (held !== undefined) return held;
  io.emit({ kind: 'note', text: 'another process is building it; waiting' });
  return host.lock(path, io, { what, wait: Number.POSITIVE_INFINITY });
}

/** Takes a lock at once, or returns `undefined` when another process has it. */
export async function tryLock(
  { host, io }: ImagesDeps & { io: Io },
  path: string,
): Promise<HeldLock | undefined> {
  try {
    return await host.lock(path, io, { what: path });
  } catch (error) {
    if (isCloneboxError(error, 'conflict')) return undefined;
    throw error;
  }
}
