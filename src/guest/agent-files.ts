import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type { AgentSession } from './agent-session.ts';

const Handle = z.number();
const Chunk = z.looseObject({ count: z.number(), 'buf-b64': z.string(), eof: z.boolean() });
const Written = z.looseObject({ count: z.number() });

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
    if (
      error instanceof CloneboxError &&
      /No such file or directory/.test(String(error.facts.desc))
    )
      return undefined;
    throw error;
  }
}

/** What can be read now from an open file of the guest, up to one chunk; empty at its present end. */
export async function readGuestChunk(
  session: AgentSession,
  handle: number,
  io: Io,
): Promise<Uint8Array> {
  const chunk = await session.call('guest-file-read', Chunk, {
    args: { handle, count: chunkSize },
    io,
  });
  return Buffer.from(chunk['buf-b64'], 'base64').subarray(0, chunkSize);
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
    const chunk = await readGuestChunk(session, handle, io);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxFile)
      throw new CloneboxError('guest-failed', `${path} in the guest is larger than 64 MiB`);
  }
  await closeGuestFile(session, handle, io);
  return Buffer.concat(chunks);
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
