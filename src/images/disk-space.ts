import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { formatBytes } from '../lib/bytes.ts';

/** The one error of a full disk: where, how much is free and how much it would take (0: not known). */
export function diskFull(
  directory: string,
  space: { free: number; needed: number },
  cause?: unknown,
): CloneboxError {
  const { free, needed } = space;
  return new CloneboxError(
    'host-unable',
    `disk full: ${directory} has ${formatBytes(free)} free${needed > 0 ? `, ${formatBytes(needed)} are needed` : ''}`,
    {
      hint: 'Free some space (clonebox image prune), or set CLONEBOX_CACHE (and TMPDIR) to a larger disk.',
      facts: { directory, free, needed },
      cause,
    },
  );
}

/** Fails with `host-unable` when there is too little room; nothing has been written then. */
export async function requireSpace(host: Host, directory: string, needed: number): Promise<void> {
  const free = await host.files.freeBytes(directory);
  if (free < needed) throw diskFull(directory, { free, needed });
}

/** Says "disk full" when that was the cause, whichever program noticed it first; passes on every other error. */
export async function explainFull<T>(
  host: Host,
  space: { directories: readonly [string, ...string[]]; needed: number },
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const text = isCloneboxError(error) ? JSON.stringify(error.facts) : String(error);
    if (!/ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/.test(text)) throw error;
    let [fullest] = space.directories;
    let free = await host.files.freeBytes(fullest);
    for (const directory of space.directories) {
      const here = await host.files.freeBytes(directory);
      if (here < free) [fullest, free] = [directory, here];
    }
    throw diskFull(fullest, { free, needed: space.needed }, error);
  }
}
