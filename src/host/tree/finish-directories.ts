import * as fs from 'node:fs/promises';
import type { ArchiveEntry } from './archive-entry.ts';
import { close, itself, openName, statOf } from './descriptors.ts';

/** What a directory will have when all is in it, and in its place. */
export type DirectoryFacts = Pick<ArchiveEntry, 'names' | 'mode' | 'modified'>;

/** Gives directories their modes and times, the inner ones first. One that is gone meanwhile is left out. */
export async function finishDirectories(
  place: { directory: number; name: string },
  directories: Iterable<DirectoryFacts>,
): Promise<void> {
  const innerFirst = [...directories].sort((a, b) => b.names.length - a.names.length);
  for (const { names, mode, modified } of innerFirst) {
    const way: Buffer[] = [Buffer.from(place.name), ...names.slice(1)];
    const opened: number[] = [];
    try {
      for (const name of way) {
        const found = await openName(opened.at(-1) ?? place.directory, name);
        if (found === undefined) break;
        opened.push(found);
        if (!(await statOf(found)).isDirectory()) break;
      }
      const last = opened.at(-1);
      if (last === undefined || opened.length < way.length) continue;
      if (!(await statOf(last)).isDirectory()) continue;
      await fs.chmod(itself(last), mode);
      await fs.utimes(itself(last), modified, modified);
    } finally {
      for (const descriptor of opened) await close(descriptor);
    }
  }
}
