import type { OpenFile } from '../../core/host.ts';

/** Bytes read at a time. */
export const blockBytes = 1 << 20;

const newline = 10;

/** Whole lines of a file, each with its newline. The bytes are only good until the next block is asked for. */
export interface Block {
  readonly bytes: Buffer;
  /** Where in the file they begin. */
  readonly offset: number;
}

/**
 * The lines of a file in blocks, last block first, within its size at the beginning. What follows the last newline is
 * left out, and so are lines longer than a block: they are no lines of the log.
 */
export async function* blocksBackward(file: OpenFile, most = blockBytes): AsyncGenerator<Block> {
  let end = await file.size();
  const size = Math.min(most, end);
  const buffer = Buffer.allocUnsafe(2 * size);
  let carried = 0;
  while (end > 0) {
    const length = Math.min(size, end);
    const start = end - length;
    const got = await file.read(buffer.subarray(size - length, size), start);
    // A torn end may have been cut off meanwhile; anything else that is gone is not to be put together.
    if (got < length && carried > 0) return;
    const bytes = buffer.subarray(size - length, size - length + got + carried);
    const first = start === 0 ? 0 : bytes.indexOf(newline) + 1;
    const last = bytes.lastIndexOf(newline) + 1;
    if (first < last) yield { bytes: bytes.subarray(first, last), offset: start + first };
    // What is before the first newline ends a line that begins in the block before.
    carried = first <= size ? first : 0;
    buffer.copyWithin(size, size - length, size - length + carried);
    end = start;
  }
}

/**
 * The lines of a file in blocks, within its size at the beginning. Returns how many bytes follow the last newline.
 * A line longer than a block comes as a block without a newline at its end, and its rest as further ones.
 */
export async function* blocksForward(
  file: OpenFile,
  most = blockBytes,
): AsyncGenerator<Block, { readonly torn: number }> {
  const size = await file.size();
  const buffer = Buffer.allocUnsafe(2 * Math.min(most, size));
  let at = 0;
  let carried = 0;
  while (at < size) {
    const length = Math.min(most, size - at);
    const got = await file.read(buffer.subarray(carried, carried + length), at);
    if (got === 0) break;
    const bytes = buffer.subarray(0, carried + got);
    const ends = bytes.lastIndexOf(newline) + 1;
    const whole = ends === 0 && bytes.length > most ? bytes.length : ends;
    if (whole > 0) yield { bytes: bytes.subarray(0, whole), offset: at - carried };
    at += got;
    carried = bytes.length - whole;
    buffer.copyWithin(0, whole, bytes.length);
  }
  return { torn: carried };
}

/** The lines of a block, without their newlines. */
export function* linesOf({ bytes }: Block): Generator<Buffer> {
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(newline, start);
    const stop = end < 0 ? bytes.length : end;
    yield bytes.subarray(start, stop);
    start = stop + 1;
  }
}
