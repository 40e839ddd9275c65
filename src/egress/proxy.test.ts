import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcp,
  type Server,
  type Socket,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllowedHost } from '../core/allowed-host.ts';
import { decide, type Resolved } from './decide.ts';
import { createProxy } from './proxy.ts';
import { createUpstream } from './upstream.ts';

/** Names that the test's resolver knows; it never asks a real one. */
let names: Record<string, string[]>;
let lookups: string[];
let refused: string[];
let asked: {
  line: string;
  host: string | undefined;
  body: string;
  headers: IncomingMessage['headers'];
}[];
let web: Server;
let webPort: number;
let closers: (() => void)[];

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function body(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

beforeEach(async () => {
  [names, lookups, refused, asked, closers] = [{}, [], [], [], []];
  web = createHttp(async (request, response) => {
    const { method, url, headers } = request;
    asked.push({
      line: `${method} ${url}`,
      host: headers.host,
      body: await body(request),
      headers,
    });
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end('from the web\n');
  });
  webPort = await listen(web);
});
afterEach(() => {
  for (const close of closers) close();
});

/** A proxy with these entries; a listed 127.0.0.1 stands for what is out there. */
async function start(
  allow: string[],
  env: Record<string, string> = {},
  headersTimeout = 5000,
): Promise<number> {
  const upstream = createUpstream(env);
  const lookup = async (host: string): Promise<Resolved[]> => {
    lookups.push(host);
    const found = names[host];
    if (found === undefined) throw new Error('ENOTFOUND');
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const allowed = allow.map(parseAllowedHost);
  const proxy = createProxy({
    ...{ upstream, headersTimeout },
    decide: (target) => decide(target, { allowed, lookup }),
    onRefusal: (wanted, reason) => refused.push(`${wanted}: ${reason}`),
  });
  return listen(proxy);
}

/** Sends bytes and returns what comes back until the other side ends it, or has been quiet. */
async function talk(port: number, ...parts: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const told: Buffer[] = [];
  socket.on('data', (chunk) => told.push(chunk));
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  for (const part of parts) {
    socket.write(part, 'latin1');
    await sleep(30);
  }
  await Promise.race([ended, sleep(600)]);
  socket.destroy();
  return Buffer.concat(told).toString('latin1');
}

const get = (url: string, host = 'x') => `GET ${url} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const tunnel = (to: string) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`;
const here = () => `127.0.0.1:${webPort}`;

describe('CONNECT', () => {
  test('to an allowed place is a tunnel, also for what was sent along with it', async () => {
    const port = await start([here()]);
    const end = 'GET /two HTTP/1.0\r\n\r\n';
    const told = await talk(port, `${tunnel(here())}${get('/one')}`, end);
    expect(told).toMatch(/^HTTP\/1\.1 200 .*from the web.*from the web/s);
    expect(asked.map(({ line }) => line)).toEqual(['GET /one', 'GET /two']);
    expect(refused).toEqual([]);
  });

  test.each([
    ['another port', '127.0.0.1:1'],
    ['another host', 'example.org:443'],
    ['another address of the loopback', '127.0.0.2:80'],
  ])('to %s is refused and told', async (_, to) => {
    const told = await talk(await start([here()]), tunnel(to));
    expect(told).toMatch(/^HTTP\/1\.1 403 /);
    expect(told).toContain(`CloneBox: ${to} is not in network.allow\n`);
    expect(refused).toEqual([`CONNECT ${to}: is not in network.allow`]);
    expect(lookups).toEqual([]);
  });

  test.each(['example.org', '/', '*', 'http://example.org/', 'a@b:80', '[::1', ''])(
    'to %j is a bad request',
    async (to) => {
      expect(await talk(await start([here()]), tunnel(to))).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  test('ends both ways when either side does', async () => {
    const sockets: Socket[] = [];
    const server = createTcp((socket) => sockets.push(socket.on('error', () => {})));
    const place = `127.0.0.1:${await listen(server)}`;
    const port = await start([place]);
    const client = connect(port, '127.0.0.1');
    client.write(tunnel(place));
    await once(client, 'data');
    await expect.poll(() => sockets.length).toBe(1);
    client.destroy();
    await expect.poll(() => sockets[0]?.closed).toBe(true);

    const second = connect(port, '127.0.0.1');
    second.write(tunnel(place));
    await once(second, 'data');
    await expect.poll(() => sockets.length).toBe(2);
    sockets[1]?.resetAndDestroy();
    await once(second, 'close');
  });

  test('loses nothing of a long answer whose server leaves at once', async () => {
    const long = 'x'.repeat(3_000_000);
    const server = createTcp((socket) => socket.on('error', () => {}).end(long));
    const place = `127.0.0.1:${await listen(server)}`;
    const client = connect(await start([place]), '127.0.0.1');
    client.write(tunnel(place));
    let bytes = 0;
    for await (const chunk of client) {
      bytes += (chunk as Buffer).length;
      await sleep(1);
    }
    expect(bytes).toBe(long.length + 'HTTP/1.1 200 Connection established\r\n\r\n'.length);
  });

  test('to a place where nobody listens is a bad gateway', async () => {
    const server = createTcp();
    const port = await listen(server);
    server.close();
    const told = await talk(await start([`127.0.0.1:${port}`]), tunnel(`127.0.0.1:${port}`));
    expect(told).toMatch(/^HTTP\/1\.1 502 /);
  });
});

describe('a plain request', () => {
  test('to an allowed place is passed on, without what is of this hop alone', async () => {
    const port = await start([here()]);
    const told = await talk(
      port,
      `POST http://${here()}/a?b=c HTTP/1.1\r\nHost: other.example\r\nContent-Length: 5\r\nProxy-Authorization: x\r\nConnection: x-mine, close\r\nX-Mine: 1\r\nX-Yours: 2\r\n\r\nhello`,
    );
    expect(told).toMatch(
      /^HTTP\/1\.1 200 OK\r\n.*set-cookie: a=1\r\nset-cookie: b=2\r\n.*from the web/s,
    );
    expect(asked).toMatchObject([{ line: 'POST /a?b=c', host: here(), body: 'hello' }]);
    expect(asked[0]?.headers).toMatchObject({ 'x-yours': '2' });
    for (const gone of ['x-mine', 'proxy-authorization'])
      expect(asked[0]?.headers).not.toHaveProperty(gone);
  });

  test('is judged one by one on a connection that goes on', async () => {
    const told = await talk(
      await start([here()]),
      get(`http://${here()}/one`),
      get(`http://${here()}/two`),
      get('http://example.org/three'),
      get(`http://${here()}/four`),
    );
    expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 403']);
    expect(asked.map(({ line }) => line)).toEqual(['GET /one', 'GET /two']);
    expect(refused).toEqual(['GET http://example.org:80: is not in network.allow']);
  });

  test('is judged one by one when several come at once', async () => {
    const several = ['one', 'two'].map((path) => get(`http://${here()}/${path}`)).join('');
    const told = await talk(await start([here()]), several + get('http://example.org/'));
    expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 403']);
    expect(asked.map(({ line }) => line)).toEqual(['GET /one', 'GET /two']);
  });

  test('is no door for a CONNECT behind it', async () => {
    const told = await talk(
      await start([here()]),
      get(`http://${here()}/`) + tunnel('example.org:443'),
    );
    expect(told).not.toContain('Connection established');
    expect(refused).toEqual(['CONNECT example.org:443: is not in network.allow']);
  });

  test('goes where its line says, whatever its Host says', async () => {
    const told = await talk(await start([here()]), get('http://example.org/', here()));
    expect(told).toMatch(/^HTTP\/1\.1 403 /);
    await talk(await start([here()]), get(`http://${here()}/`, 'example.org'));
    expect(asked).toMatchObject([{ host: here() }]);
  });

  const smuggled = 'GET http://example.org/smuggled HTTP/1.1\r\nHost: example.org\r\n\r\n';
  test.each([
    ['two lengths', 'Content-Length: 0\r\nContent-Length: 50'],
    ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked'],
    ['chunks in disguise', 'Transfer-Encoding: xchunked'],
    ['a space before the colon', 'Content-Length : 0'],
    ['a folded line', 'X: a\r\n Content-Length: 50'],
    ['a bare line feed', 'X: a\nContent-Length: 50'],
  ])('with %s smuggles nothing', async (_, header) => {
    const request = `POST http://${here()}/ HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n0\r\n\r\n${smuggled}`;
    await talk(await start([here()]), request);
    expect(asked.map(({ line }) => line).join()).not.toContain('smuggled');
  });

  test.each(['GET', 'DELETE', 'POST'])(
    '%s with chunks reaches the next hop with a frame',
    async (method) => {
      names = { 'example.org': ['192.0.2.1'] };
      const raw: string[] = [];
      const hop = createTcp((socket) => {
        socket.on('error', () => {});
        socket.on('data', (chunk) => raw.push(chunk.toString()));
        setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), 100);
      });
      const proxy = `http://127.0.0.1:${await listen(hop)}`;
      const port = await start(['example.org'], { http_proxy: proxy });
      const size = smuggled.length.toString(16);
      const chunked = `${method} http://example.org/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${smuggled}\r\n0\r\n\r\n`;
      await talk(port, chunked);
      expect(raw.join('')).toMatch(new RegExp(`^${method} http://192.0.2.1:80/ HTTP/1.1\r\n`));
      expect(raw.join('')).toContain('transfer-encoding: chunked');
      expect(raw.join('')).toContain(`\r\n\r\n${size}\r\n${smuggled}\r\n0\r\n\r\n`);
    },
  );

  test.each([
    ['a path alone', '/'],
    ['a name in the URL', 'http://me:pw@127.0.0.1/'],
    ['https', 'https://example.org/'],
    ['ftp', 'ftp://example.org/'],
  ])('for %s is a bad request', async (_, url) => {
    expect(await talk(await start([here()]), get(url))).toMatch(/^HTTP\/1\.1 400 /);
    expect(asked).toEqual([]);
  });
});

describe('a name', () => {
  test('is looked up once, and is connected to where it was judged', async () => {
    names = { 'good.example': ['127.0.0.1'] };
    // Nothing public can be listened on here: that the judge says host is the proof that it saw the address.
    const told = await talk(
      await start([`good.example:${webPort}`]),
      tunnel(`good.example:${webPort}`),
    );
    expect(told).toMatch(/403.*leads to this host/s);
    expect(lookups).toEqual(['good.example']);
  });

  test.each([
    ['the loopback', ['127.0.0.1']],
    ['the metadata of a cloud', ['169.254.169.254']],
    ['the loopback among others', ['203.0.113.9', '::ffff:127.0.0.1']],
    ['nowhere', ['0.0.0.0']],
  ])('that leads to %s is refused, listed or not', async (_, addresses) => {
    names = { 'evil.example': addresses, 'a.evil.example': addresses };
    const port = await start([`evil.example:${webPort}`, `*.evil.example:${webPort}`]);
    for (const name of ['evil.example', 'a.evil.example']) {
      expect(await talk(port, tunnel(`${name}:${webPort}`))).toMatch(/^HTTP\/1\.1 403 /);
      expect(await talk(port, get(`http://${name}:${webPort}/`))).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(asked).toEqual([]);
    expect(refused).toHaveLength(4);
  });

  test('below a wildcard may not lead to a private network, one that is listed itself may', async () => {
    names = { 'a.corp.example': ['10.1.2.3'], 'wiki.corp.example': ['10.1.2.3'] };
    const judge = (host: string) =>
      decide(
        { host, port: 443 },
        {
          allowed: ['*.corp.example', 'wiki.corp.example'].map(parseAllowedHost),
          lookup: async (name) => (names[name] ?? []).map((address) => ({ address, family: 4 })),
        },
      );
    expect(await judge('a.corp.example')).toMatchObject({ ok: false, status: 403 });
    expect(await judge('wiki.corp.example')).toMatchObject({
      ok: true,
      addresses: [{ address: '10.1.2.3', family: 4 }],
    });
  });

  test('that nobody knows is a bad gateway', async () => {
    expect(await talk(await start(['gone.example']), tunnel('gone.example:443'))).toMatch(
      /^HTTP\/1\.1 502 /,
    );
  });
});

describe("through the host's own proxy", () => {
  test('go tunnels, with its password, to the address that was judged', async () => {
    names = { 'far.example': ['192.0.2.7', '192.0.2.8'], 'six.example': ['2001:db8::7'] };
    const lines: string[] = [];
    const corporate = createHttp();
    corporate.on('connect', (request, socket) => {
      lines.push(`${request.url} ${request.headers['proxy-authorization']}`);
      socket.on('error', () => {});
      socket.end('HTTP/1.1 200 OK\r\n\r\nfrom far away');
    });
    const proxy = `http://me:p%40ss@127.0.0.1:${await listen(corporate)}`;
    const port = await start(['far.example', 'six.example', 'gone.example'], {
      https_proxy: proxy,
    });
    expect(await talk(port, tunnel('far.example:443'))).toContain('from far away');
    expect(lines).toEqual([`192.0.2.7:443 Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
    expect(await talk(port, tunnel('six.example:443'))).toContain('from far away');
    expect(lines[1]).toMatch(/^\[2001:db8::7\]:443 /);
    expect(await talk(port, tunnel('other.example:443'))).toMatch(/^HTTP\/1\.1 403 /);
    // The proxy might know it, and where it leads: nobody here has judged that.
    expect(await talk(port, tunnel('gone.example:443'))).toMatch(/^HTTP\/1\.1 502 /);
    expect(lines).toHaveLength(2);
  });

  test('goes a request by the address that was judged, with the name it asks for', async () => {
    names = { 'far.example': ['192.0.2.7'] };
    const seen: string[] = [];
    const corporate = createHttp((request, response) => {
      seen.push(`${request.url} ${request.headers.host}`);
      response.end('from far away');
    });
    const proxy = `http://127.0.0.1:${await listen(corporate)}`;
    const port = await start(['far.example', 'gone.example'], { http_proxy: proxy });
    expect(await talk(port, get('http://far.example/x'))).toContain('from far away');
    expect(seen).toEqual(['http://192.0.2.7:80/x far.example']);
    expect(await talk(port, get('http://gone.example/x'))).toMatch(/^HTTP\/1\.1 502 /);
    expect(seen).toHaveLength(1);
  });

  test('does not go what no_proxy names, nor what leads to this host', async () => {
    names = { 'evil.example': ['127.0.0.1'] };
    const proxy = 'http://127.0.0.1:1';
    const port = await start([here(), `evil.example:${webPort}`], {
      http_proxy: proxy,
      no_proxy: 'x, 127.0.0.1',
    });
    expect(await talk(port, get(`http://${here()}/`))).toContain('from the web');
    expect(await talk(port, get(`http://evil.example:${webPort}/`))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('that is none of HTTP is said', () => {
    expect(() => createUpstream({ https_proxy: 'socks5://127.0.0.1:1' })).toThrow(/no HTTP proxy/);
  });
});

describe('what is no request', () => {
  test.each([
    ['noise', '\x00\x01\x02\xff\xfe\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a request without a version', 'GET http://example.org/\r\n\r\n'],
  ])('%s ends the connection, and the proxy goes on', async (_, bytes) => {
    const port = await start([here()]);
    expect(await talk(port, bytes)).toMatch(/^(HTTP\/1\.1 40[03] |$)/);
    expect(await talk(port, get(`http://${here()}/`))).toContain('from the web');
  });

  test('headers without end are too large', async () => {
    const port = await start([here()]);
    const huge = `GET http://${here()}/ HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await talk(port, huge)).toMatch(/^HTTP\/1\.1 431 /);
    expect(asked).toEqual([]);
  });

  test('one that comes a byte at a time is over when its time is', async () => {
    const socket = connect(await start([here()], {}, 500), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET http://${here()}/ HTTP/1.1\r\n`);
    const drip = setInterval(() => socket.write('X: y\r\n'), 50);
    let told = '';
    socket.on('data', (chunk) => {
      told += chunk;
    });
    const began = performance.now();
    await once(socket, 'close');
    clearInterval(drip);
    expect(told).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - began).toBeGreaterThan(400);
    expect(asked).toEqual([]);
  });
});
