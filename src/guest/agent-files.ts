import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type { AgentSession } from './agent-session.ts';

const Handle = z.number();
const Chunk = z.looseObject({ count: z.number(), 'buf-b64': z.string(), eof: z.boolean() });
const Written = z.looseObject({ count: z.number() });
const Seeked = z.looseObject({ position: z.number() });

/** Bytes per message: large enough for speed, small enough for the agent's buffer. */
const chunkSize = 192 * 1024;

/** No file read from a guest may be larger than this. */
const maxFile = 64 * 1024 * 1024;

/** Opens a file of the guest; `undefined` when it does not exist. */
export async function openGuestFile(
  session: AgentSession,
  path: string,
  options: { mode: 'r' | 'w' | 'a'; io: Io },
): Promise<number | undefined> {
  try {
    return await session.call('guest-file-open', Handle, {
      args: { path, mode: options.mode },
      io: options.io,
    });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof CloneboxError && /No such file or directory/.test(String(error.facts.desc))
  );
}

/** What can be read now from an open file of the guest, up to one chunk; empty at its present end. */
export async function readGuestChunk(
  session: AgentSession,
  handle: number,
  io: Io,
): Promise<Uint8Array> {
  return bytesOf(await readChunk(session, handle, io));
}

function readChunk(session: AgentSession, handle: number, io: Io): Promise<z.infer<typeof Chunk>> {
  return session.call('guest-file-read', Chunk, { args: { handle, count: chunkSize }, io });
}

function bytesOf(chunk: z.infer<typeof Chunk>): Uint8Array {
  return Buffer.from(chunk['buf-b64'], 'base64').subarray(0, chunkSize);
}

/** How many bytes an open file of the guest has now; where it is read goes on is kept. */
export async function sizeOfGuestFile(
  session: AgentSession,
  handle: number,
  { at, io }: { at: number; io: Io },
): Promise<number> {
  const seek = async (offset: number, whence: 'set' | 'end') => {
    const args = { handle, offset, whence };
    return (await session.call('guest-file-seek', Seeked, { args, io })).position;
  };
  const size = await seek(0, 'end');
  await seek(at, 'set');
  return size;
}

export async function closeGuestFile(session: AgentSession, handle: number, io: Io): Promise<void> {
  await session.call('guest-file-close', z.unknown(), { args: { handle }, io });
}

export async function readGuestFile(
  session: AgentSession,
  path: string,
  io: Io,
): Promise<Uint8Array | undefined> {
  const handle = await openGuestFile(session, path, { mode: 'r', io });
  if (handle === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const chunk = await readChunk(session, handle, io);
    const bytes = bytesOf(chunk);
    chunks.push(bytes);
    size += bytes.length;
    // The end is known by then, unless it came right after the last byte that was asked for.
    if (bytes.length === 0 || chunk.eof) break;
    if (size > maxFile)
      throw new CloneboxError('guest-failed', `${path} in the guest is larger than 64 MiB`);
  }
  await closeGuestFile(session, handle, io);
  return Buffer.concat(chunks);
}

/**
 * The beginnings of several files, up to one chunk of each, in three round trips however many they are; `undefined` for
 * one that is not there. Fails as the first one that cannot be read; none is left open.
 */
export async function readGuestFiles(
  session: AgentSession,
  paths: readonly string[],
  io: Io,
): Promise<(Uint8Array | undefined)[]> {
  const opened = await session.callEach('guest-file-open', Handle, {
    each: paths.map((path) => ({ path, mode: 'r' })),
    io,
  });
  const handles = opened.flatMap((one) => (one instanceof CloneboxError ? [] : [one.value]));
  const read = await session.callEach('guest-file-read', Chunk, {
    each: handles.map((handle) => ({ handle, count: chunkSize })),
    io,
  });
  await session.callEach('guest-file-close', z.unknown(), {
    each: handles.map((handle) => ({ handle })),
    io,
  });
  return opened.map((one) => {
    if (one instanceof CloneboxError) {
      if (isMissing(one)) return undefined;
      throw one;
    }
    const chunk = read[handles.indexOf(one.value)];
    if (chunk === undefined || chunk instanceof CloneboxError) throw chunk ?? one;
    return bytesOf(chunk.value);
  });
}

/** Writes a whole file. False when its directory does not exist. */
export async function writeGuestFile(
  session: AgentSession,
  path: string,
  options: { content: string | Uint8Array; io: Io },
): Promise<boolean> {
  const { io } = options;
  const handle = await openGuestFile(session, path, { mode: 'w', io });
  if (handle === undefined) return false;
  const bytes = Buffer.from(options.content as Uint8Array);
  for (let offset = 0; offset < bytes.length; ) {
    const part = bytes.subarray(offset, offset + chunkSize);
    const { count } = await session.call('guest-file-write', Written, {
      args: { handle, 'buf-b64': part.toString('base64') },
      io,
    });
    if (count <= 0) throw new CloneboxError('guest-failed', `the guest's disk is full: ${path}`);
    offset += count;
  }
  await closeGuestFile(session, handle, io);
  return true;
}
