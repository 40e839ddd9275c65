import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canBind, checkSocketPath, connectLines, listenOnce, portAnswers } from './sockets.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

const { signal } = new AbortController();
let scratch: string;
const servers: Server[] = [];
const accepted = new Set<Socket>();
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(async () => {
  for (const socket of accepted) socket.destroy();
  accepted.clear();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  rmSync(scratch, { recursive: true });
});

async function listen(
  where: string | { port: number; host: string },
  onConnect: (socket: Socket) => void,
): Promise<number> {
  const server = createServer((socket) => {
    accepted.add(socket);
    socket.on('error', () => {});
    onConnect(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(where, resolve));
  return (server.address() as AddressInfo).port ?? 0;
}

async function serve(onConnect: (socket: Socket) => void): Promise<string> {
  const path = join(scratch, 'socket');
  await listen(path, onConnect);
  return path;
}

describe('one client', () => {
  async function read(bytes: AsyncIterable<Uint8Array>): Promise<number> {
    let total = 0;
    for await (const chunk of bytes) total += chunk.length;
    return total;
  }

  test('is heard to its end, and there is no second one', async () => {
    const path = join(scratch, 'socket');
    const incoming = await listenOnce(path);
    const client = connect(path).end(new Uint8Array(3_000_000));
    expect(await read(incoming.bytes)).toBe(3_000_000);
    await expect(connectLines(path)).rejects.toMatchObject({ code: 'ENOENT' });
    incoming.close();
    client.destroy();
  });

  test('that never comes, or never ends, does not keep who closes', async () => {
    const path = join(scratch, 'socket');
    const nobody = await listenOnce(path);
    const heard = read(nobody.bytes);
    nobody.close();
    expect(await heard).toBe(0);
    expect(existsSync(path)).toBe(false);

    const incoming = await listenOnce(path);
    const client = connect(path).on('error', () => {});
    client.write('x');
    const some = read(incoming.bytes);
    await expect.poll(() => existsSync(path), patient).toBe(false);
    incoming.close();
    expect(await some).toBeLessThan(2);
    await expect.poll(() => client.destroyed, patient).toBe(true);
  });

  test('is not waited for where something is there already', async () => {
    const path = await serve(() => {});
    await expect(listenOnce(path)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('lines', () => {
  test('are the same in whatever pieces they come', async () => {
    let parts: Buffer[] = [];
    const path = await serve((socket) => {
      for (const part of parts) socket.write(part);
      socket.end();
    });
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '));
    const rows = fc.tuple(
      fc.array(line, { maxLength: 8 }),
      fc.array(fc.nat(40), { maxLength: 20 }),
      line,
    );
    await fc.assert(
      fc.asyncProperty(rows, async ([lines, cuts, rest]) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join('') + rest);
        parts = pieces(bytes, cuts);
        const socket = await connectLines(path);
        const received = [];
        for (;;) {
          const text = await socket.receive(signal);
          if (text === undefined) break;
          received.push(text);
        }
        socket.close();
        // A line is a line when its end has come: what is left open at the end is none.
        expect(received).toEqual(lines.map((text) => Buffer.from(text).toString('utf8')));
      }),
      { numRuns: 100 },
    );
  });

  test('that were received before the end are read after it', async () => {
    const socket = await connectLines(await serve((peer) => peer.end('one\ntwo\n')));
    await expect.poll(() => accepted.values().next().value?.writableFinished, patient).toBe(true);
    expect(await socket.receive(signal)).toBe('one');
    expect(await socket.receive(signal)).toBe('two');
    expect(await socket.receive(signal)).toBeUndefined();
    expect(await socket.receive(signal)).toBeUndefined();
    socket.send('into the void');
  });

  test('are sent with their ends, and bytes as they are', async () => {
    const path = await serve((peer) => peer.pipe(peer));
    const socket = await connectLines(path);
    socket.sendBytes(Buffer.from('half '));
    socket.send('a line');
    socket.send('');
    expect(await socket.receive(signal)).toBe('half a line');
    expect(await socket.receive(signal)).toBe('');
    socket.close();
  });

  test('are waited for until the signal, and after it too', async () => {
    const socket = await connectLines(await serve((peer) => peer.pipe(peer)));
    const interrupt = new AbortController();
    const waiting = socket.receive(interrupt.signal);
    interrupt.abort(new Error('Ctrl-C'));
    await expect(waiting).rejects.toThrow('Ctrl-C');
    await expect(socket.receive(interrupt.signal)).rejects.toThrow('Ctrl-C');
    socket.send('still there');
    expect(await socket.receive(signal)).toBe('still there');
    socket.close();
  });

  test('end when we close', async () => {
    const socket = await connectLines(await serve(() => {}));
    const waiting = socket.receive(signal);
    socket.close();
    expect(await waiting).toBeUndefined();
  });

  test('that have no end are cut off', { timeout: 60_000 }, async () => {
    const flood = Buffer.alloc(1 << 20, 'x');
    const path = await serve((peer) => {
      const pour = () => {
        while (!peer.destroyed && peer.write(flood));
      };
      peer.on('drain', pour);
      pour();
    });
    const socket = await connectLines(path);
    expect(await socket.receive(signal)).toBeUndefined();
  });

  test('cannot be had where nobody listens', async () => {
    await expect(connectLines(join(scratch, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** The bytes in pieces of these lengths, and one of what is left. */
function pieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const found = [];
  let from = 0;
  for (const length of [...lengths, bytes.length]) {
    found.push(bytes.subarray(from, from + length));
    from += length;
  }
  return found;
}

const loopback = { port: 0, host: '127.0.0.1' };

describe('a port answers', () => {
  test.each<[boolean, string, (socket: Socket) => void]>([
    [true, 'that greets', (socket) => socket.write('SSH-2.0')],
    [true, 'that greets and closes', (socket) => socket.end('HTTP/1.0 400')],
    [true, 'that waits to be spoken to', () => {}],
    [false, 'that closes at once', (socket) => socket.end()],
    [false, 'that resets at once', (socket) => socket.resetAndDestroy()],
    [false, 'that closes after a while', (socket) => setTimeout(() => socket.destroy(), 100)],
  ])('%s for one %s', async (answers, _, behave) => {
    expect(await portAnswers(await listen(loopback, behave), signal)).toBe(answers);
  });

  test('false where nobody listens', async () => {
    const port = await listen(loopback, () => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await portAnswers(port, signal)).toBe(false);
  });

  test('false on Ctrl-C, at once', async () => {
    const port = await listen(loopback, () => {});
    const interrupt = new AbortController();
    const asked = portAnswers(port, interrupt.signal);
    interrupt.abort();
    expect(await asked).toBe(false);
    expect(await portAnswers(port, interrupt.signal)).toBe(false);
  });
});

test('a port can be bound unless somebody listens there, on whatever address', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const port = await listen({ port: 0, host }, () => {});
    expect(await canBind(port)).toBe(false);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await canBind(port)).toBe(true);
  }
});

test('a socket path may have 107 bytes, and not one more', async () => {
  const path = (bytes: number) => `/${'é'.repeat((bytes - 1) >> 1)}${'x'.repeat((bytes - 1) % 2)}`;
  expect(Buffer.byteLength(path(107))).toBe(107);
  checkSocketPath(path(107));
  expect(() => checkSocketPath(path(108))).toThrow(
    expect.objectContaining({
      code: 'host-unable',
      facts: { path: path(108), bytes: 108, limit: 107 },
    }),
  );

  const longest = join(scratch, 'x'.repeat(107 - scratch.length - 1));
  await listen(longest, () => {});
  (await connectLines(longest)).close();
});
