import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { GuestExecOptions } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import { openGuestFile, readGuestChunk, writeGuestFile } from './agent-files.ts';
import type { AgentSession } from './agent-session.ts';

/** Output kept per stream: the first and the last half of this many bytes. */
const outputBound = 8 * 1024 * 1024;

/** What was read is given back to the guest's memory each time it is this many bytes. */
const freeEvery = 16 * 1024 * 1024;

/** A stream of a command in the guest: a file it appends to and we read behind. */
export interface Stream {
  readonly path: string;
  readonly handle: number;
  readonly sink: Sink;
  read: number;
  freed: number;
}

/** Makes the file of a stream and opens it for reading. */
export async function openStream(
  session: AgentSession,
  stream: { path: string; name: 'stdout' | 'stderr'; options: GuestExecOptions & { io: Io } },
): Promise<Stream> {
  const { path, name, options } = stream;
  await writeGuestFile(session, path, { content: '', io: options.io });
  const handle = await openGuestFile(session, path, { mode: 'r', io: options.io });
  if (handle === undefined)
    throw new CloneboxError('guest-failed', `the guest cannot make ${path}`);
  return { path, handle, sink: createSink(name, options), read: 0, freed: 0 };
}

/**
 * Reads what has come since the last time, `atMost` about as many bytes (a command may write faster than we read), and
 * frees what was read: the file is in the guest's memory.
 */
export async function copyStream(
  session: AgentSession,
  stream: Stream,
  { io, atMost }: { io: Io; atMost: number },
): Promise<void> {
  const enough = stream.read + atMost;
  while (stream.read < enough) {
    const chunk = await readGuestChunk(session, stream.handle, io);
    if (chunk.length === 0) return;
    stream.sink.add(chunk);
    stream.read += chunk.length;
    if (stream.read - stream.freed < freeEvery) continue;
    stream.freed = stream.read;
    await session.call('guest-exec', z.unknown(), {
      args: {
        path: '/usr/bin/fallocate',
        arg: ['-p', '-o', '0', '-l', String(stream.freed), stream.path],
      },
      io,
    });
  }
}

interface Sink {
  add(chunk: Uint8Array): void;
  text(): string;
  truncated(): boolean;
}

function createSink(stream: 'stdout' | 'stderr', options: GuestExecOptions): Sink {
  const head: Uint8Array[] = [];
  let tail: Uint8Array[] = [];
  let headBytes = 0;
  let tailBytes = 0;
  let dropped = false;
  return {
    add: (chunk) => {
      options.onOutput?.(stream, chunk);
      if (headBytes < outputBound / 2) {
        head.push(chunk);
        headBytes += chunk.length;
        return;
      }
      tail.push(chunk);
      tailBytes += chunk.length;
      while (tailBytes - (tail[0]?.length ?? 0) > outputBound / 2) {
        tailBytes -= tail[0]?.length ?? 0;
        tail = tail.slice(1);
        dropped = true;
      }
    },
    text: () =>
      Buffer.concat(
        dropped ? [...head, Buffer.from('\n[…]\n'), ...tail] : [...head, ...tail],
      ).toString('utf8'),
    truncated: () => dropped,
  };
}
