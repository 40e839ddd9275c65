import * as fs from 'node:fs/promises';
import { beneath, close, codeOf, type Name, namesIn, openName, statOf } from './descriptors.ts';

/**
 * Removes a name from an open directory, and what is below it, each directory by its descriptor: a link that is put in the
 * place of one meanwhile is removed, not followed. Nothing there is no error.
 */
export async function removeBeneath(directory: number, name: Name): Promise<void> {
  const found = await openName(directory, name);
  if (found === undefined) return;
  try {
    if ((await statOf(found)).isDirectory()) {
      for (const inner of await namesIn(found)) await removeBeneath(found, inner);
      await fs.rmdir(beneath(directory, name));
    } else {
      await fs.unlink(beneath(directory, name));
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  } finally {
    await close(found);
  }
}
