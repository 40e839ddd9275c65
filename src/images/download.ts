import * as z from 'zod';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { DownloadResponse, Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { badStatus } from './checksums.ts';
import { diskFull } from './disk-space.ts';

/** Beside a partial download: what it is a part of. */
const Origin = z.object({
  url: z.string(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
});
type Origin = z.infer<typeof Origin>;

export interface DownloadRequest {
  readonly url: string;
  /** The partial file; it is complete when the download returns, and has to be moved away. */
  readonly part: string;
  /** What is loaded, for people. */
  readonly what: string;
}

const attempts = 6;
const idleLimit = 60_000;

interface Transfer {
  /** Bytes the whole file has, when the server says so. */
  total: number | undefined;
  have: number;
}

/**
 * Loads a file, from where an earlier attempt was cut as long as the file on the server is the same (ETag or
 * Last-Modified). Cuts are retried with growing pauses, up to six times without progress; then `host-unable`, and
 * the part stays for the next call. The caller holds a lock, and verifies the digest.
 */
export async function download(host: Host, io: Io, request: DownloadRequest): Promise<void> {
  let failures = 0;
  let pause = 500;
  for (;;) {
    const before = await sizeOf(host, request.part);
    let cause: unknown;
    try {
      const { total, have } = await attempt(host, io, request);
      if (total === undefined || have === total) return;
      if (have > total) await discardPart(host, request.part);
      cause = new Error(`the server sent ${have} of ${total} bytes`);
    } catch (error) {
      io.signal.throwIfAborted();
      if (isFinal(error)) throw error;
      cause = error;
    }
    const after = await sizeOf(host, request.part);
    if (after > before) [failures, pause] = [0, 500];
    failures += 1;
    if (failures >= attempts) throw cutForGood(request, after, cause);
    io.log.info('images.download.cut', { url: request.url, have: after, reason: reasonOf(cause) });
    io.emit({ kind: 'detail', text: `the connection was cut; trying again in ${pause / 1000} s` });
    await host.sleep(pause, io.signal);
    pause *= 2;
  }
}

function cutForGood(request: DownloadRequest, have: number, cause: unknown): CloneboxError {
  return new CloneboxError(
    'host-unable',
    `${request.what} could not be loaded: ${reasonOf(cause)}`,
    {
      hint: have > 0 ? 'Try again later: it goes on from here.' : 'Check the network and proxy.',
      facts: { url: request.url, have },
      cause,
    },
  );
}

/** Errors that another attempt does not change: the disk, the server's refusal, what we refuse. */
function isFinal(error: unknown): boolean {
  if (!isCloneboxError(error)) return false;
  return error.code !== 'host-unable' || 'errno' in error.facts || 'final' in error.facts;
}

async function sizeOf(host: Host, path: string): Promise<number> {
  return (await host.files.facts(path))?.size ?? 0;
}

/** Removes a partial download and what is known of it. */
export async function discardPart(host: Host, part: string): Promise<void> {
  await host.files.remove(part);
  await host.files.remove(`${part}.json`);
}

async function readOrigin(host: Host, request: DownloadRequest): Promise<Origin | undefined> {
  const text = await host.files.readText(`${request.part}.json`);
  if (text === undefined) return undefined;
  try {
    const origin = Origin.parse(JSON.parse(text));
    return origin.url === request.url && (origin.etag || origin.lastModified) ? origin : undefined;
  } catch {
    return undefined;
  }
}

async function attempt(host: Host, io: Io, request: DownloadRequest): Promise<Transfer> {
  const origin = await readOrigin(host, request);
  const offset = origin === undefined ? 0 : await sizeOf(host, request.part);
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (offset > 0) {
    headers.range = `bytes=${offset}-`;
    // A weak ETag may not be used for ranges (RFC 9110, 13.1.5).
    const validator = origin?.etag?.startsWith('"') ? origin.etag : origin?.lastModified;
    if (validator !== undefined) headers['if-range'] = validator;
  }
  const stall = new AbortController();
  const bounded: Io = { ...io, signal: AbortSignal.any([io.signal, stall.signal]) };
  const response = await host.fetch(request.url, bounded, { headers, timeout: 30_000 });
  try {
    return await receive(host, bounded, { request, response, offset, origin, stall });
  } finally {
    stall.abort();
  }
}

async function receive(
  host: Host,
  io: Io,
  options: {
    request: DownloadRequest;
    response: DownloadResponse;
    offset: number;
    origin: Origin | undefined;
    stall: AbortController;
  },
): Promise<Transfer> {
  const { request, response, offset, stall } = options;
  const start = await startOf(host, options);
  if (start === 'complete') return { total: offset, have: offset };
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : start + length;
  await requireRoom(host, request, { needed: Number.isNaN(length) ? 0 : length });
  const report = reporter(host, io, { what: request.what, total });
  report(start);
  let last = host.now();
  void watch(host, stall, () => last);
  const body = response.body;
  const onBytes = (done: number): void => {
    last = host.now();
    report(done);
  };
  await host.writeStream(request.part, body, { offset: start, io, onBytes });
  return { total, have: await sizeOf(host, request.part) };
}

/** Where the body belongs in the file; the part is emptied when it is of another file than the server's. */
async function startOf(
  host: Host,
  options: {
    request: DownloadRequest;
    response: DownloadResponse;
    offset: number;
    origin: Origin | undefined;
  },
): Promise<number | 'complete'> {
  const { request, response, offset, origin } = options;
  const { status, headers } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  const same =
    (origin?.etag === undefined || headers.etag === undefined || origin.etag === headers.etag) &&
    (origin?.lastModified === undefined ||
      headers['last-modified'] === undefined ||
      origin.lastModified === headers['last-modified']);
  if (status === 206 && same && Number(range?.[1]) === offset) return offset;
  if (status === 416 && same && Number(range?.[2]) === offset) return 'complete';
  if (status === 200 || status === 206 || status === 416) {
    await discardPart(host, request.part);
    if (status !== 200) throw new Error('the file on the server has changed');
    const next: Origin = {
      url: request.url,
      etag: headers.etag,
      lastModified: headers['last-modified'],
    };
    await host.files.writeAtomic(`${request.part}.json`, JSON.stringify(next));
    return 0;
  }
  const error = badStatus(request.url, status);
  if (status >= 500 || status === 408 || status === 429) throw error;
  throw new CloneboxError(error.code, error.message, {
    hint: error.hint,
    facts: { ...error.facts, final: true },
  });
}

async function requireRoom(
  host: Host,
  request: DownloadRequest,
  room: { needed: number },
): Promise<void> {
  const directory = request.part.slice(0, request.part.lastIndexOf('/'));
  const free = await host.files.freeBytes(directory);
  if (free >= room.needed) return;
  const full = diskFull(directory, { free, needed: room.needed });
  throw new CloneboxError(full.code, full.message, {
    hint: full.hint,
    facts: { ...full.facts, final: true },
  });
}

/** Emits the state of a transfer four times a second at most, its end always. */
function reporter(
  host: Host,
  io: Io,
  { what, total }: { what: string; total: number | undefined },
): (done: number) => void {
  let next = 0;
  return (done) => {
    const now = host.now();
    if (now < next && done !== total) return;
    next = now + 250;
    io.emit({ kind: 'transfer', what, done, total });
  };
}

/** Ends a transfer in which nothing has arrived for a minute. */
async function watch(host: Host, stall: AbortController, last: () => number): Promise<void> {
  try {
    while (!stall.signal.aborted) {
      await host.sleep(Math.max(100, last() + idleLimit - host.now()), stall.signal);
      if (host.now() - last() >= idleLimit) stall.abort(new Error('nothing came for a minute'));
    }
  } catch {
    // The transfer has ended.
  }
}
