import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { OpenFile } from '../core/host.ts';

// Files at the level of bytes: written in place, cut, read here and there. `Files` has them, with errors explained.

/** Writes over the beginning of a file in place; makes it when it is not there. */
export async function overwriteSynced(path: string, content: string): Promise<void> {
  const handle = await fs.open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    await handle.write(content, 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

export async function truncateSynced(path: string, size: number): Promise<void> {
  const handle = await fs.open(path, 'r+');
  try {
    await handle.truncate(size);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function openFile(path: string): Promise<OpenFile> {
  const handle = await fs.open(path, 'r');
  return {
    size: async () => (await handle.stat()).size,
    read: async (into, offset) => {
      let filled = 0;
      while (filled < into.length) {
        const left = into.length - filled;
        const { bytesRead } = await handle.read(into, filled, left, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    close: () => handle.close(),
  };
}
