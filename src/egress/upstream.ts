import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { formatTarget, type Target } from '../core/allowed-host.ts';
import type { Decision, Resolved } from './decide.ts';

/** Milliseconds a connection may take to come about. */
const connectTimeout = 30_000;

type Allowed = Extract<Decision, { ok: true }>;

/** How this host itself reaches the world. */
export interface Upstream {
  /** Opens a stream of bytes to the target. */
  open(allowed: Allowed): Promise<Socket>;
  /** Begins a plain HTTP request to the target; `options` are its method, path and headers. */
  request(allowed: Allowed, options: RequestOptions): ClientRequest;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The variables that say how this host reaches the world: a program that lives on is given no others. */
export function upstreamVariables(env: Env): Env {
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'];
  const both = names.flatMap((name) => [name, name.toUpperCase()]);
  return Object.fromEntries(both.map((name) => [name, env[name]]));
}

/** The host's way out by its own variables: its proxies, or directly. Fails when a proxy is none that can be used. */
export function createUpstream(env: Env): Upstream {
  const variable = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  const tunnels = parseProxy('https_proxy', variable('https_proxy') ?? variable('all_proxy'));
  const plain = parseProxy('http_proxy', variable('http_proxy') ?? variable('all_proxy'));
  const direct = (variable('no_proxy') ?? '').split(',').map((one) => one.trim().toLowerCase());
  const proxyFor = (proxy: URL | undefined, target: Target) =>
    proxy !== undefined && !isExempt(direct, target) ? proxy : undefined;
  return {
    open: (allowed) => {
      const proxy = proxyFor(tunnels, allowed.target);
      return proxy === undefined ? openDirectly(allowed) : openThrough(proxy, judged(allowed));
    },
    request: (allowed, options) => {
      const { target, addresses } = allowed;
      const common = { ...options, agent: false, setHost: false, timeout: connectTimeout };
      const proxy = proxyFor(plain, target);
      if (proxy === undefined)
        return httpRequest({ ...common, ...target, lookup: lookupIn(addresses) });
      const headers = { ...options.headers, ...authorization(proxy) };
      const path = `http://${formatTarget(judged(allowed))}${options.path}`;
      return httpRequest({ ...common, ...placeOf(proxy), path, headers });
    },
  };
}

/** By its address: a proxy that looked the name up once more might be given another one, as of this very host. */
function judged({ target, addresses }: Allowed): Target {
  return { ...target, host: addresses[0]?.address ?? target.host };
}

function parseProxy(name: string, text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (URL.canParse(url) && new URL(url).protocol === 'http:') return new URL(url);
  throw new Error(`${name} of this host is no HTTP proxy`);
}

/** `no_proxy` as most programs read it: `*`, a name with all below it, or an address. */
function isExempt(direct: readonly string[], { host }: Target): boolean {
  return direct.some((one) => {
    const name = one.replace(/^\*?\./, '').replace(/:\d+$/, '');
    return one === '*' || (name !== '' && (host === name || host.endsWith(`.${name}`)));
  });
}

function placeOf({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(words).toString('base64')}` };
}

/** A name was looked up when it was judged: a second look could give another answer. */
function lookupIn(addresses: readonly Resolved[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function openDirectly({ target, addresses }: Allowed): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...target,
      lookup: lookupIn(addresses),
      autoSelectFamily: true,
      allowHalfOpen: true,
    });
    socket.setTimeout(connectTimeout, () => socket.destroy(new Error('it does not answer')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function openThrough(proxy: URL, target: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const place = formatTarget(target);
    const request = httpRequest({
      ...placeOf(proxy),
      method: 'CONNECT',
      path: place,
      headers: { host: place, ...authorization(proxy) },
      agent: false,
      timeout: connectTimeout,
    });
    request.once('error', reject);
    request.once('timeout', () => request.destroy(new Error("this host's proxy does not answer")));
    request.once('response', (response) => {
      response.resume();
      reject(new Error(`this host's proxy says ${response.statusCode}`));
    });
    request.once('connect', (response, socket, head) => {
      socket.setTimeout(0);
      if (response.statusCode !== 200) {
        socket.destroy();
        reject(new Error(`this host's proxy says ${response.statusCode}`));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    request.end();
  });
}
