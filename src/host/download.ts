import * as fs from 'node:fs/promises';
import * as https from 'node:https';
import { CloneboxError } from '../core/errors.ts';
import type { DownloadResponse, FetchOptions } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { explain } from './files.ts';

/** One HTTP request; the body is streamed. Fails with `host-unable` when the server cannot be reached. */
export async function fetchUrl(
  url: string,
  io: Io,
  options: FetchOptions = {},
): Promise<DownloadResponse> {
  // The time limit covers connecting and headers; a slow body is the reader's matter.
  const limit = new AbortController();
  const timer =
    options.timeout === undefined ? undefined : setTimeout(() => limit.abort(), options.timeout);
  const signal = AbortSignal.any([io.signal, limit.signal]);
  try {
    if (options.ca !== undefined)
      return await requestTrusting(options.ca, url, { ...options, signal });
    const response = await fetch(url, {
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
      redirect: options.redirect ?? 'follow',
      signal,
      ...(options.body !== undefined && { body: options.body }),
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: response.body ?? emptyBody(),
    };
  } catch (error) {
    io.signal.throwIfAborted();
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new CloneboxError('host-unable', `cannot reach ${new URL(url).host}: ${cause}`, {
      hint: 'Check the network and the proxy settings, or use an image of this machine: bootstrap:debian:12',
      facts: { url },
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** As fetch, which cannot be told whom to trust. */
function requestTrusting(
  ca: string,
  url: string,
  { method = 'GET', headers = {}, body, signal }: FetchOptions & { signal: AbortSignal },
): Promise<DownloadResponse> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, headers, ca, signal, agent: false }, (answer) => {
      const entries = Object.entries(answer.headers).map(([name, value]) => [name, `${value}`]);
      resolve({
        status: answer.statusCode ?? 0,
        headers: Object.fromEntries(entries),
        body: answer,
      });
    });
    request.once('error', reject);
    request.end(body);
  });
}

async function* emptyBody(): AsyncIterable<Uint8Array> {}

/** Streams a body into a file from `offset` on and syncs it. Returns the file's length, also after a cut. */
export async function writeStream(
  path: string,
  body: AsyncIterable<Uint8Array>,
  options: { offset: number; io: Io; onBytes: (total: number) => void },
): Promise<number> {
  const handle = await fs.open(path, options.offset > 0 ? 'r+' : 'w', 0o600);
  let position = options.offset;
  try {
    for await (const chunk of body) {
      options.io.signal.throwIfAborted();
      await handle.write(chunk, 0, chunk.length, position);
      position += chunk.length;
      options.onBytes(position);
    }
  } catch (error) {
    throw explain(error, path);
  } finally {
    await handle.sync().catch(() => {});
    await handle.close();
  }
  return position;
}
