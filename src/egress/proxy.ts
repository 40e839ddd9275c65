import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { canonicalHost, formatTarget, parseTarget, type Target } from '../core/allowed-host.ts';
import { reasonOf } from '../core/errors.ts';
import type { Decision } from './decide.ts';
import type { Upstream } from './upstream.ts';

export interface ProxyOptions {
  readonly decide: (target: Target) => Promise<Decision>;
  readonly upstream: Upstream;
  /** Told of each request that was not let through, with what the guest said it wanted. */
  readonly onRefusal: (wanted: string, reason: string) => void;
  /** Milliseconds until a request must have said its headers. */
  readonly headersTimeout?: number;
}

/** What one guest may ask of the proxy, which is a process of the host; times in milliseconds. */
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: 30_000,
  // A long upload is no attack.
  requestTimeout: 0,
} as const;
const mostConnections = 256;
/** A plain request on which nothing moves for so long is over. */
const idleTimeout = 600_000;

/** Of one hop alone (RFC 9110 section 7.6.1), or set anew for the next. */
const hopHeaders = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'expect', 'proxy-authorization', 'proxy-authenticate', 'host'],
]);

/**
 * An HTTP proxy that is judged by `decide` for each CONNECT and each single request, also those that follow on one
 * connection. Requests are parsed and said anew, never passed on as bytes: what two readers of a connection could
 * understand in two ways does not get through.
 */
export function createProxy(options: ProxyOptions): Server {
  const own = { ...limits, headersTimeout: options.headersTimeout ?? limits.headersTimeout };
  const server = createServer(own, (request, response) => {
    void forward(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else answer(response, 502, reasonOf(error));
    });
  });
  server.maxConnections = mostConnections;
  server.timeout = idleTimeout;
  server.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    void tunnel(request, { socket, head }, options).catch((error: unknown) =>
      refuseTunnel(socket, 502, reasonOf(error)),
    );
  });
  return server;
}

async function tunnel(
  request: IncomingMessage,
  { socket, head }: { socket: Duplex & { setTimeout?(ms: number): unknown }; head: Buffer },
  options: ProxyOptions,
): Promise<void> {
  const wanted = request.url ?? '';
  const target = parseTarget(wanted);
  if (target === undefined) return refuseTunnel(socket, 400, 'CONNECT wants HOST:PORT');
  const decision = await options.decide(target);
  if (!decision.ok) {
    options.onRefusal(`CONNECT ${formatTarget(target)}`, decision.reason);
    return refuseTunnel(socket, decision.status, `${formatTarget(target)} ${decision.reason}`);
  }
  const upstream = await options.upstream.open(decision);
  // Each end that came in order is passed on in order by the pipes; what is cut off cuts off the other side.
  upstream.on('error', () => socket.destroy());
  upstream.on('close', () => upstream.readableEnded || socket.destroy());
  socket.on('close', () => socket.readableEnded || upstream.destroy());
  if (socket.destroyed) {
    upstream.destroy();
    return;
  }
  socket.setTimeout?.(0);
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) upstream.write(head);
  socket.pipe(upstream);
  upstream.pipe(socket);
}

function refuseTunnel(socket: Duplex, status: number, reason: string): void {
  if (!socket.writable) return;
  const body = explain(reason);
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status]}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: ProxyOptions,
): Promise<void> {
  const asked = targetOf(request.url ?? '');
  if (asked === undefined)
    return answer(response, 400, 'a proxy wants http://HOST/PATH, or CONNECT');
  const { target, path } = asked;
  const decision = await options.decide(target);
  if (!decision.ok) {
    options.onRefusal(`${request.method} http://${formatTarget(target)}`, decision.reason);
    return answer(response, decision.status, `${formatTarget(target)} ${decision.reason}`);
  }
  const { method } = request;
  const chunked = request.headers['transfer-encoding'] !== undefined;
  const hasBody = chunked || request.headers['content-length'] !== undefined;
  const headers = {
    ...passedOn(request.rawHeaders),
    host: hostHeader(target),
    // Else the body of a GET would be sent without a frame, and read as the next request.
    ...(chunked && { 'transfer-encoding': 'chunked' }),
  };
  const upstream = options.upstream.request(decision, { ...(method && { method }), path, headers });
  response.on('close', () => upstream.destroy());
  await new Promise<void>((resolve, reject) => {
    upstream.once('error', reject);
    upstream.once('timeout', () => {
      if (upstream.socket?.connecting) upstream.destroy(new Error('it does not answer'));
    });
    upstream.once('close', () => reject(new Error('it hung up')));
    upstream.once('response', (answered) => {
      try {
        response.writeHead(answered.statusCode ?? 502, passedOn(answered.rawHeaders));
      } catch (error) {
        upstream.destroy();
        reject(error);
        return;
      }
      answered.on('error', () => response.destroy());
      answered.pipe(response);
      answered.once('close', resolve);
    });
    if (hasBody) request.pipe(upstream);
    else upstream.end();
  });
}

/** The absolute form of RFC 9112 section 3.2.2, and nothing else. */
function targetOf(url: string): { target: Target; path: string } | undefined {
  if (!/^http:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { hostname, port, pathname, search, username, password } = new URL(url);
  const host = canonicalHost(hostname);
  if (host === undefined || username !== '' || password !== '') return undefined;
  return { target: { host, port: Number(port || 80) }, path: `${pathname}${search}` };
}

/** What the guest said in its Host header counts for nothing: this is what was judged. */
function hostHeader({ host, port }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 80 ? name : `${name}:${port}`;
}

/** The headers that are for the other end: none of this hop, and none that `Connection` names. */
function passedOn(raw: readonly string[]): OutgoingHttpHeaders {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    pairs.push([raw[index]?.toLowerCase() ?? '', raw[index + 1] ?? '']);
  const named = pairs
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) => value.split(',').map((one) => one.trim().toLowerCase()));
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    // What says how long the body is must stay: without it the next hop would guess.
    if (hopHeaders.has(name) || (named.includes(name) && name !== 'content-length')) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  502: 'Bad Gateway',
};

function explain(reason: string): string {
  return `CloneBox: ${reason}\n`;
}

/** Says why not, and ends the connection: what is left of the request is not read. */
function answer(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
  response.end(explain(reason));
}
