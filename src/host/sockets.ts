import { createServer, connect as netConnect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { CloneboxError } from '../core/errors.ts';
import type { Incoming, LineSocket } from '../core/host.ts';

/** Longest line a peer may send before it is cut off: 64 MiB, more than any agent's answer. */
const maxLine = 64 * 1024 * 1024;

/** Opens a UNIX stream socket that speaks lines. Fails with the system's error when nobody listens. */
export function connectLines(path: string): Promise<LineSocket> {
  return new Promise((resolve, reject) => {
    const socket = netConnect(path);
    const lines: string[] = [];
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    let closed = false;
    let wake: (() => void) | undefined;

    socket.on('data', (chunk: Buffer) => {
      let rest = chunk;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        lines.push(Buffer.concat([...pending, rest.subarray(0, end)]).toString('utf8'));
        pending = [];
        pendingBytes = 0;
        rest = rest.subarray(end + 1);
      }
      pendingBytes += rest.length;
      if (pendingBytes > maxLine) return socket.destroy();
      if (rest.length > 0) pending.push(rest);
      wake?.();
    });
    const end = () => {
      closed = true;
      wake?.();
    };
    socket.on('close', end);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', end);
      resolve({
        send: (line) => {
          if (!closed) socket.write(`${line}\n`);
        },
        sendBytes: (bytes) => {
          if (!closed) socket.write(bytes);
        },
        receive: async (signal) => {
          for (;;) {
            const line = lines.shift();
            if (line !== undefined) return line;
            if (closed) return undefined;
            await new Promise<void>((next, fail) => {
              const abort = () => fail(signal.reason);
              if (signal.aborted) return abort();
              wake = () => {
                signal.removeEventListener('abort', abort);
                wake = undefined;
                next();
              };
              signal.addEventListener('abort', abort, { once: true });
            });
          }
        },
        close: () => socket.destroy(),
      });
    });
  });
}

/** Listens on a UNIX socket for one client. Fails with the system's error when it cannot, EADDRINUSE for one. */
export function listenOnce(path: string): Promise<Incoming> {
  return new Promise((resolve, reject) => {
    const bytes = new PassThrough();
    // Told to who reads it, if anybody does.
    bytes.on('error', () => {});
    let client: Socket | undefined;
    const server = createServer((socket) => {
      client = socket;
      // Removes the socket's name too: there is no second client.
      server.close();
      socket.once('error', (error) => bytes.destroy(error));
      socket.pipe(bytes);
    });
    server.once('error', reject);
    server.listen(path, () =>
      resolve({
        bytes,
        close: () => {
          server.close();
          client?.destroy();
          bytes.end();
        },
      }),
    );
  });
}

/** True when 127.0.0.1:port can be bound at this moment, also against a wildcard listener. */
export function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}

/**
 * True when a server behind 127.0.0.1:port takes part: it sends bytes, or keeps the connection for 300 ms.
 * A forwarder alone accepts and then closes, which is not an answer.
 */
export function portAnswers(port: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = netConnect(port, '127.0.0.1');
    const finish = (answer: boolean) => {
      clearTimeout(quiet);
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(answer);
    };
    const stop = () => finish(false);
    let quiet = setTimeout(stop, 2000);
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => finish(true), 300);
    });
    socket.once('data', () => finish(true));
    socket.once('error', stop);
    socket.once('close', stop);
  });
}

/** A UNIX socket address holds 107 bytes; longer paths fail in confusing ways, so they are refused here. */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= 107) return;
  throw new CloneboxError('host-unable', `the socket path is too long: ${path}`, {
    hint: 'Set CLONEBOX_HOME or XDG_RUNTIME_DIR to a shorter directory.',
    facts: { path, bytes: Buffer.byteLength(path), limit: 107 },
  });
}
