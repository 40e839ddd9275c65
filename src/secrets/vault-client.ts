import * as z from 'zod';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { DownloadResponse, Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { Secret } from '../core/secret.ts';
import { withDeadline } from '../lib/deadline.ts';
import { formatDuration } from '../lib/duration.ts';
import { printable } from '../lib/printable.ts';

/** Which Vault, and how it is spoken to. */
export interface VaultServer {
  /** Without a slash at its end. */
  readonly address: string;
  readonly namespace: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  /** Milliseconds for each request, its body included. */
  readonly timeout: number;
}

/** What Vault said: `body` is `undefined` when it said nothing. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: unknown;
  /** Its reasons, safe to be shown; empty when all is well, and for what is simply not there. */
  readonly errors: readonly string[];
}

/** Asks Vault for a path below `/v1/`; with a body it is told something. */
export type VaultRequest = (
  path: string,
  io: Io,
  options: { token?: Secret; body?: unknown },
) => Promise<VaultAnswer>;

/** A secret of 1 MiB is six times as long in JSON, at worst. */
const largestAnswer = 16 * 1024 * 1024;
const redirects = [301, 302, 303, 307, 308];
const errorBody = z.looseObject({ errors: z.array(z.string()).default([]) });

/**
 * A client of Vault's HTTP API. Answers 200, 204, 400, 403 and 404 are values. Fails with `host-unable` when Vault
 * cannot be reached, is sealed or a standby, has failed, or when something else answers; with `deadline` when it is
 * too slow; with `refused` when it points to another server, which must not get the token.
 */
export function createVaultClient(server: VaultServer, host: Host): VaultRequest {
  return async (path, io, options) => {
    const { address, timeout } = server;
    using bounded = withDeadline(io, timeout, () => {
      const limit = formatDuration(timeout);
      return new CloneboxError('deadline', `Vault at ${address} did not answer within ${limit}`, {
        hint: 'Look whether it is up, or give it more time: secrets.vault.timeout.',
        facts: { address, path },
      });
    });
    const { response, text } = await exchange({ server, host, io: bounded }, path, options);
    return understood(server, response, text);
  };
}

interface Line {
  readonly server: VaultServer;
  readonly host: Host;
  readonly io: Io;
}

async function exchange(
  { server, host, io }: Line,
  path: string,
  options: { token?: Secret; body?: unknown },
): Promise<{ response: DownloadResponse; text: string }> {
  const start = new URL(`${server.address}/v1/${path}`);
  let url = start;
  try {
    // A standby answers with the place of the active node; two of them may point to each other.
    for (let hops = 0; hops <= 3; hops += 1) {
      const response = await host.fetch(url.href, io, {
        method: options.body === undefined ? 'GET' : 'PUT',
        headers: headersOf(server, options.token),
        redirect: 'manual',
        ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
        ...(server.ca !== undefined && { ca: server.ca }),
      });
      const text = await readAll(response.body);
      const { location } = response.headers;
      if (!redirects.includes(response.status) || location === undefined) return { response, text };
      url = sameServer(location, url, server.address);
    }
  } catch (error) {
    io.signal.throwIfAborted();
    if (isCloneboxError(error, 'refused')) throw error;
    throw unreachable(server.address, reasonOf(error));
  }
  throw unreachable(server.address, 'it points from one place to the next without an end');
}

function headersOf(server: VaultServer, token: Secret | undefined): Record<string, string> {
  return {
    'x-vault-request': 'true',
    accept: 'application/json',
    ...(server.namespace !== undefined && { 'x-vault-namespace': server.namespace }),
    ...(token !== undefined && { 'x-vault-token': token.reveal() }),
  };
}

function sameServer(location: string, from: URL, address: string): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (url !== undefined && url.origin === from.origin) return url;
  const place = printable(url?.origin ?? location);
  throw new CloneboxError('refused', `Vault at ${address} points to another server: ${place}`, {
    hint: 'The token does not follow there. If that is the active node of your Vault, name it at secrets.vault.address.',
    facts: { address, location: place },
  });
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error('its answer is larger than 16 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unreachable(address: string, reason: string): CloneboxError {
  const isTrust = /certificate|self.signed|issuer/i.test(reason);
  return new CloneboxError('host-unable', `Vault at ${address}: ${printable(reason, 200)}`, {
    hint: isTrust
      ? "Name the file of its certificate authority at secrets.vault.ca_file, if it is your company's own."
      : 'Look whether it is up, and whether secrets.vault.address (or VAULT_ADDR) is right.',
    facts: { address },
  });
}

function understood(server: VaultServer, response: DownloadResponse, text: string): VaultAnswer {
  const { status } = response;
  const { address } = server;
  const body = text.trim() === '' ? undefined : parseJson(text);
  const known =
    body === undefined
      ? { data: { errors: [] }, success: true as const }
      : errorBody.safeParse(body);
  const facts = { address, status };
  if (!known.success || (body === undefined && status === 404)) {
    throw new CloneboxError('host-unable', `what answers at ${address} is not Vault (${status})`, {
      hint: 'Look whether secrets.vault.address (or VAULT_ADDR) is right, and what stands between.',
      facts,
    });
  }
  const errors = known.data.errors.map((error) => printable(error, 200));
  const isAnswer = status === 200 || status === 204 || [400, 403, 404].includes(status);
  if (isAnswer) return { status, body, errors };
  const said = errors.length === 0 ? '' : `: ${errors.join('; ')}`;
  throw new CloneboxError(
    'host-unable',
    `Vault at ${address} ${stateOf(status)} (${status}${said})`,
    {
      hint: 'Try again when it is ready, or ask who runs it.',
      facts,
    },
  );
}

/** https://developer.hashicorp.com/vault/api-docs#http-status-codes */
function stateOf(status: number): string {
  if (status === 503) return 'is sealed, or down for maintenance';
  if (status === 501) return 'is not initialized';
  if (status === 412) return 'has not caught up with itself yet';
  if (status === 429) return 'is a standby, or has had too many requests';
  if ([472, 473, 474].includes(status)) return 'is a standby';
  return 'has failed';
}

/** `null` for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
