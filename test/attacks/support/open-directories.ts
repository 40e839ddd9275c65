import { readdirSync, statSync } from 'node:fs';

/**
 * The directories that processes have open or are rooted in, as `device:inode`: by whatever name they came to them, and
 * whatever is of that name by now.
 */
export function openDirectories(pids: readonly number[]): string[] {
  return pids.flatMap((pid) => {
    const places = [`/proc/${pid}/root`, `/proc/${pid}/cwd`];
    try {
      for (const name of readdirSync(`/proc/${pid}/fd`)) places.push(`/proc/${pid}/fd/${name}`);
    } catch {
      // It has ended meanwhile.
    }
    return places.flatMap(identityOf);
  });
}

function identityOf(place: string): string[] {
  try {
    const found = statSync(place, { bigint: true });
    return found.isDirectory() ? [`${found.dev}:${found.ino}`] : [];
  } catch {
    return [];
  }
}
