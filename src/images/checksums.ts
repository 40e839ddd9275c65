import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';

/** The digest of one file in the output of sha256sum or sha512sum; `undefined` when it is not listed. */
export function parseChecksums(text: string, file: string): string | undefined {
  for (const line of text.split(/\r?\n/)) {
    const match = /^([0-9a-f]{64}|[0-9a-f]{128}) [ *](?:\.\/)?(.+)$/i.exec(line);
    if (match?.[2] === file) return match[1]?.toLowerCase();
  }
  return undefined;
}

/** Digest of a file, hexadecimal; can be interrupted. */
export async function digestFile(
  host: Host,
  io: Io,
  options: { path: string; algorithm: 'sha256' | 'sha512' },
): Promise<string> {
  if (options.algorithm === 'sha256') return host.files.sha256(options.path, io);
  const { stdout, stderr } = await host.run(['sha512sum', '--', options.path], io);
  const digest = /^\\?([0-9a-f]{128}) /.exec(stdout)?.[1];
  if (digest !== undefined) return digest;
  throw new CloneboxError('host-unable', `no digest of ${options.path}: ${stderr.trim()}`);
}

/** A short text from a server. Fails with `host-unable` when it is not there, unreachable, or larger than 1 MiB. */
export async function fetchText(host: Host, io: Io, url: string): Promise<Uint8Array> {
  const response = await host.fetch(url, io, { timeout: 30_000 });
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.status !== 200) throw badStatus(url, response.status);
  for await (const chunk of response.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > 1024 ** 2) throw new CloneboxError('host-unable', `${url} is too large`);
  }
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

/** The error of an HTTP status that no retry changes. */
export function badStatus(url: string, status: number): CloneboxError {
  return new CloneboxError('host-unable', `the server answered ${status} for ${url}`, {
    hint: 'Try later, set CLONEBOX_IMAGE_MIRROR, or build an image here: bootstrap:debian:12',
    facts: { url, status },
  });
}

/** Checks a detached signature with gpgv. Fails with `refused` when it is not good. */
export async function verifySignature(
  host: Host,
  io: Io,
  options: { keyring: string; signature: string; file: string; url: string },
): Promise<void> {
  const gpgv = await host.require('gpgv');
  const argv = [gpgv, '--keyring', options.keyring, options.signature, options.file];
  const result = await host.run(argv, io, { env: { LC_ALL: 'C' } });
  if (result.exitCode === 0) return;
  throw new CloneboxError('refused', `the signature of ${options.url} is not good`, {
    hint: 'The file was changed on its way, or the keyring is too old for it.',
    facts: { keyring: options.keyring, gpgv: result.stderr.trim().split('\n').slice(-5) },
  });
}
