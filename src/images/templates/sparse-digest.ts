import { createHash } from 'node:crypto';
import type { Extent } from '../../core/driver.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';

/** Bytes that are looked at together. Part of what the digest is. */
const blockSize = 64 * 1024;

/**
 * SHA-256 of the blocks of 64 KiB that are not zero, each after its number (8 bytes, little-endian): the same however the
 * file is laid out. Only blocks that touch `written` are read; all of the file when it is not known. A kept memory is
 * zeroes for the most part, and as large as a machine's.
 */
export async function sparseDigest(
  { files }: Pick<Host, 'files'>,
  io: Io,
  { path, written }: { path: string; written?: readonly Extent[] | undefined },
): Promise<string> {
  const file = await files.open(path);
  if (file === undefined) throw new Error(`there is no ${path}`);
  try {
    const hash = createHash('sha256');
    const all = [{ from: 0, length: await file.size() }];
    const buffer = Buffer.alloc(blockSize);
    const zeroes = Buffer.alloc(blockSize);
    let next = 0;
    for (const { from, length } of written ?? all) {
      const end = Math.ceil((from + length) / blockSize);
      for (next = Math.max(next, Math.floor(from / blockSize)); next < end; next++) {
        io.signal.throwIfAborted();
        const block = buffer.subarray(0, await file.read(buffer, next * blockSize));
        if (block.equals(zeroes.subarray(0, block.length))) continue;
        hash.update(numberOf(next)).update(block);
      }
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

function numberOf(block: number): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(BigInt(block));
  return number;
}
