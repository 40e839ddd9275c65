import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { GuestExecOptions } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { openGuestFile, readGuestChunk, sizeOfGuestFile, writeGuestFile } from './agent-files.ts';
import type { AgentSession } from './agent-session.ts';

/** Output kept per stream: the first and the last half of this many bytes. */
const outputBound = 8 * 1024 * 1024;

/** Bytes read of a stream between two looks at the command and the clock. */
export const atOnce = 4 * 1024 * 1024;

/** More than this no guest can hold in memory for us to read. */
const mostLeft = 1024 ** 4;

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
 * frees what was read: the file is in the guest's memory. `mayGoOn` is asked after each piece, however small. Returns whether
 * that was all of it.
 */
export async function copyStream(
  session: AgentSession,
  stream: Stream,
  { io, atMost, mayGoOn }: { io: Io; atMost: number; mayGoOn: () => boolean },
): Promise<boolean> {
  const enough = stream.read + atMost;
  while (stream.read < enough && mayGoOn()) {
    const chunk = await readGuestChunk(session, stream.handle, io);
    if (chunk.length === 0) return true;
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
  return false;
}

/** After the end of a command: how long it may take that something comes, and how fast it has to come after that. */
const patience = 10_000;
const slowest = 64 * 1024;

/**
 * Reads what a command that has ended has left to read. What a process that it left behind goes on to write is not waited
 * for. Fails with `guest-failed` when it does not come, or comes without an end: an agent may say what it likes.
 */
export async function copyRest(
  session: AgentSession,
  streams: readonly Stream[],
  { host, io }: { host: Host; io: Io },
): Promise<void> {
  const total = () => streams.reduce((sum, { read }) => sum + read, 0);
  const [ended, before] = [host.now(), total()];
  const mayGoOn = () => {
    const limit = patience + ((total() - before) / slowest) * 1000;
    if (host.now() - ended > limit) throw endless();
    return true;
  };
  for (const stream of streams) {
    // Nearly always that is all, and nobody has to ask how much there is.
    if (await copyStream(session, stream, { io, mayGoOn, atMost: atOnce })) continue;
    const size = await sizeOfGuestFile(session, stream.handle, { at: stream.read, io });
    if (size > mostLeft) throw endless();
    await copyStream(session, stream, { io, mayGoOn, atMost: size - stream.read });
  }
}

function endless(): CloneboxError {
  return new CloneboxError(
    'guest-failed',
    'the output of a command that has ended does not come to an end',
    { hint: 'Something is wrong with the agent of this guest: clonebox console' },
  );
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
