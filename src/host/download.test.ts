import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import { fetchUrl, writeStream } from './download.ts';

const io = quietIo();
let scratch: string;
let server: Server | undefined;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
  rmSync(scratch, { recursive: true });
});

async function serve(answer: RequestListener, made: Server = createServer()): Promise<string> {
  made.on('request', answer);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const scheme = made instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://127.0.0.1:${(made.address() as AddressInfo).port}/file`;
}

async function* chunks(...parts: (string | Error)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Buffer.from(part);
  }
}

describe('a request', () => {
  test('has its headers, and gives status, headers and body', async () => {
    const url = await serve((request, response) => {
      response.writeHead(206, { etag: '"1"' }).end(`range ${request.headers.range}`);
    });
    const response = await fetchUrl(url, io, { headers: { range: 'bytes=5-' } });
    expect(response.status).toBe(206);
    expect(response.headers.etag).toBe('"1"');
    const path = join(scratch, 'body');
    await writeStream(path, response.body, { offset: 0, io, onBytes: () => {} });
    expect(readFileSync(path, 'utf8')).toBe('range bytes=5-');
  });

  test('that is answered with an error is a value', async () => {
    const url = await serve((_, response) => response.writeHead(404).end());
    expect((await fetchUrl(url, io)).status).toBe(404);
  });

  test('to nobody names the server, and a way without it', async () => {
    const url = await serve(() => {});
    await new Promise((resolve) => server?.close(resolve));
    await expect(fetchUrl(url, io)).rejects.toMatchObject({
      code: 'host-unable',
      message: expect.stringContaining(new URL(url).host),
      hint: expect.stringContaining('bootstrap:debian:12'),
    });
  });

  test('that is not answered in time is given up', async () => {
    const url = await serve(() => {});
    await expect(fetchUrl(url, io, { timeout: 100 })).rejects.toMatchObject({
      code: 'host-unable',
    });
  });

  test('is left on Ctrl-C, for its reason', async () => {
    const interrupt = new AbortController();
    const url = await serve(() => interrupt.abort(new Error('Ctrl-C')));
    await expect(fetchUrl(url, { ...io, signal: interrupt.signal })).rejects.toThrow('Ctrl-C');
  });

  test('has a method and a body', async () => {
    const url = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (text) => response.end(`${request.method} ${text}`));
    });
    const { body } = await fetchUrl(url, io, { method: 'POST', body: 'of the request' });
    expect(await text(body)).toBe('POST of the request');
  });

  test('is led elsewhere, unless that is for its maker to decide', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/there') response.end('there');
      else response.writeHead(307, { location: '/there' }).end();
    });
    expect(await text((await fetchUrl(url, io)).body)).toBe('there');
    const { status, headers } = await fetchUrl(url, io, { redirect: 'manual' });
    expect([status, headers.location]).toEqual([307, '/there']);
  });

  describe('that says whom to trust', () => {
    const tls = new URL('../../test/fixtures/tls/', import.meta.url);
    const ca = readFileSync(new URL('ca.pem', tls), 'utf8');
    const key = readFileSync(new URL('key.pem', tls), 'utf8');
    const serveTls = (answer: RequestListener) => serve(answer, createTlsServer({ cert: ca, key }));

    test('is answered by exactly those', async () => {
      const url = await serveTls((request, response) => {
        response.writeHead(201, { etag: request.headers.accept ?? '' });
        request.pipe(response);
      });
      const options = { method: 'POST', body: 'of the request', headers: { accept: 'x' } } as const;
      const response = await fetchUrl(url, io, { ...options, ca });
      expect(response).toMatchObject({ status: 201, headers: { etag: 'x' } });
      expect(await text(response.body)).toBe('of the request');
      await expect(fetchUrl(url, io, options)).rejects.toMatchObject({ code: 'host-unable' });
    });

    test('is not led elsewhere', async () => {
      const url = await serveTls((_, response) =>
        response.writeHead(307, { location: '/there' }).end(),
      );
      expect((await fetchUrl(url, io, { ca })).status).toBe(307);
    });

    test('is given up in time, and left on Ctrl-C, also in the body', async () => {
      const url = await serveTls((request, response) => {
        if (request.url?.includes('half')) response.write('half');
      });
      await expect(fetchUrl(url, io, { ca, timeout: 100 })).rejects.toMatchObject({
        code: 'host-unable',
      });
      const interrupt = new AbortController();
      const stopped = { ...io, signal: interrupt.signal };
      const { body } = await fetchUrl(`${url}?half`, stopped, { ca, timeout: 5000 });
      setTimeout(() => interrupt.abort(new Error('Ctrl-C')), 50);
      await expect(text(body)).rejects.toThrow();
      await expect(fetchUrl(url, stopped, { ca })).rejects.toThrow('Ctrl-C');
    });
  });

  test('may take its time for the body', async () => {
    const url = await serve((_, response) => {
      response.write('a');
      setTimeout(() => response.end('b'), 300);
    });
    const { body } = await fetchUrl(url, io, { timeout: 200 });
    const path = join(scratch, 'body');
    expect(await writeStream(path, body, { offset: 0, io, onBytes: () => {} })).toBe(2);
  });
});

describe('a body', () => {
  test('goes on where the file ended, and tells how far it is', async () => {
    const path = join(scratch, 'file');
    writeFileSync(path, 'one, and what is to be written over');
    const seen: number[] = [];
    const body = chunks('two', 'three');
    const end = await writeStream(path, body, {
      offset: 3,
      io,
      onBytes: (total) => seen.push(total),
    });
    expect(end).toBe(11);
    expect(seen).toEqual([6, 11]);
    expect(readFileSync(path, 'utf8').slice(0, 11)).toBe('onetwothree');
  });

  test('that is cut leaves what came', async () => {
    const path = join(scratch, 'file');
    const options = { offset: 0, io, onBytes: () => {} };
    const written = writeStream(path, chunks('half', new Error('cut')), options);
    await expect(written).rejects.toThrow('cut');
    expect(readFileSync(path, 'utf8')).toBe('half');
  });

  test('is left on Ctrl-C, for its reason', async () => {
    const interrupt = new AbortController();
    const options = {
      offset: 0,
      io: { ...io, signal: interrupt.signal },
      onBytes: () => interrupt.abort(new Error('Ctrl-C')),
    };
    const written = writeStream(join(scratch, 'file'), chunks('a', 'b'), options);
    await expect(written).rejects.toThrow('Ctrl-C');
    expect(readFileSync(join(scratch, 'file'), 'utf8')).toBe('a');
  });
});
