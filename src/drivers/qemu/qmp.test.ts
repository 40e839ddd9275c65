import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHost } from '../../host/local.ts';
import { connectQmp, type Qmp } from './qmp.ts';

const host = createHost({});
const greeting = {
  QMP: { version: { qemu: { micro: 22, minor: 2, major: 7 } }, capabilities: [] },
};
const versionReply = { qemu: { major: 7, minor: 2, micro: 22 }, package: 'Debian' };
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

interface Request {
  readonly execute: string;
  readonly id: number;
  readonly arguments?: unknown;
}

let scratch: string;
let server: Server | undefined;
let requests: Request[];
const clients: Qmp[] = [];
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
  requests = [];
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
  rmSync(scratch, { recursive: true });
});

/** A QEMU that greets, negotiates, and then does with each request what the test says. */
async function serve(
  answer: (socket: Socket, request: Request) => void,
  hello: string | undefined = line(greeting),
): Promise<string> {
  const path = join(scratch, 'qmp');
  server = createServer((socket) => {
    socket.on('error', () => {});
    if (hello === undefined) return void socket.end();
    socket.write(hello);
    let pending = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      for (const one of lines) {
        const request = JSON.parse(one) as Request;
        requests.push(request);
        if (request.execute === 'qmp_capabilities')
          socket.write(line({ return: {}, id: request.id }));
        else answer(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return path;
}

async function connect(path: string, signal = new AbortController().signal): Promise<Qmp> {
  const client = await connectQmp(host, path, signal);
  clients.push(client);
  return client;
}

test('negotiates, asks, and returns the reply', async () => {
  const path = await serve((socket, { id }) => socket.write(line({ return: versionReply, id })));
  const client = await connect(path);
  expect(await client.execute('query-version')).toEqual(versionReply);
  expect(requests.map(({ execute }) => execute)).toEqual(['qmp_capabilities', 'query-version']);
  expect(new Set(requests.map(({ id }) => id)).size).toBe(2);
});

test('hands on arguments, and leaves them out when there are none', async () => {
  const path = await serve((socket, { id }) => socket.write(line({ return: {}, id })));
  const client = await connect(path);
  await client.execute('cont');
  await client.execute('stop', { why: 'a "test"\n' });
  expect(requests[1]).not.toHaveProperty('arguments');
  expect(requests[2]?.arguments).toEqual({ why: 'a "test"\n' });
});

test('events before, between and after replies are kept for who waits for them', async () => {
  const event = (name: string, n: number) => line({ event: name, data: { n }, timestamp: {} });
  const path = await serve((socket, { id }) => {
    socket.write(
      event('RESUME', 1) + event('STOP', 2) + line({ return: {}, id }) + event('STOP', 3),
    );
  });
  const client = await connect(path);
  await client.execute('cont');
  expect(await client.waitFor('STOP')).toEqual({ event: 'STOP', data: { n: 2 } });
  expect(await client.waitFor('STOP')).toEqual({ event: 'STOP', data: { n: 3 } });
  expect(await client.waitFor('RESUME')).toEqual({ event: 'RESUME', data: { n: 1 } });
});

test('who waits for an event learns that QEMU has ended', async () => {
  const path = await serve((socket, { id }) => socket.end(line({ return: {}, id })));
  const client = await connect(path);
  await client.execute('cont');
  expect(await client.waitFor('SHUTDOWN')).toBeUndefined();
});

test('a refusal is quoted, and the next command goes through', async () => {
  const path = await serve((socket, { id, execute }) => {
    const error = { class: 'GenericError', desc: 'Device is not there' };
    socket.write(line(execute === 'stop' ? { error, id } : { return: {}, id }));
  });
  const client = await connect(path);
  await expect(client.execute('stop')).rejects.toMatchObject({
    code: 'hypervisor-failed',
    message: 'QEMU refused stop: Device is not there',
    facts: { command: 'stop', class: 'GenericError' },
  });
  expect(await client.execute('cont')).toEqual({});
});

test('replies with other ids are not ours, whatever their order', async () => {
  const path = await serve((socket, { id }) => {
    const wrong = { return: { ...versionReply, qemu: { major: 0, minor: 0, micro: 0 } } };
    for (const other of [id + 1, id - 1, String(id), undefined])
      socket.write(line({ ...wrong, id: other }));
    socket.write(line({ error: { class: 'X', desc: 'of another' }, id: id + 7 }));
    socket.write(line({ return: versionReply, id }));
  });
  const client = await connect(path);
  expect(await client.execute('query-version')).toEqual(versionReply);
});

describe('garbage fails as such', () => {
  const garbage = [
    '{',
    'Segmentation fault',
    '',
    '[]',
    '"text"',
    'null',
    '{"event":7}',
    '{"error":"no"}',
  ];

  test.each(garbage)('%j instead of a greeting', async (text) => {
    const path = await serve(() => {}, `${text}\n`);
    await expect(connect(path)).rejects.toMatchObject({ code: 'hypervisor-failed' });
  });

  test.each(garbage)('%j instead of a reply', async (text) => {
    const client = await connect(await serve((socket) => socket.write(`${text}\n`)));
    const reply = client.execute('query-version');
    await expect(reply).rejects.toMatchObject({ code: 'hypervisor-failed', facts: { line: text } });
  });

  test.each([undefined, null, 'x', {}, { qemu: { major: '7' } }])(
    'a reply of %j, which is of the wrong shape',
    async (value) => {
      const path = await serve((socket, { id }) => socket.write(line({ return: value, id })));
      const reply = (await connect(path)).execute('query-version');
      await expect(reply).rejects.toMatchObject({ code: 'hypervisor-failed' });
    },
  );

  test('a long one is cut in the facts', async () => {
    const client = await connect(await serve((socket) => socket.write(`${'x'.repeat(5000)}\n`)));
    const reply = client.execute('query-version');
    await expect(reply).rejects.toMatchObject({ facts: { line: 'x'.repeat(200) } });
  });
});

describe('a socket that closes', () => {
  const lost = {
    code: 'hypervisor-failed',
    message: expect.stringContaining('closed its control socket'),
  };

  test('before the greeting', async () => {
    server = createServer((socket) => socket.end());
    const path = join(scratch, 'qmp');
    await new Promise<void>((resolve) => server?.listen(path, resolve));
    await expect(connect(path)).rejects.toMatchObject(lost);
  });

  test.each(['', '{"return', '{"return":{},"id":2}'])('in the middle, after %j', async (text) => {
    const client = await connect(await serve((socket) => socket.end(text)));
    await expect(client.execute('cont')).rejects.toMatchObject(lost);
    await expect(client.execute('cont')).rejects.toMatchObject(lost);
  });
});

test('a QEMU that says nothing is left when the signal says so, for its reason', async () => {
  const limit = new AbortController();
  const client = await connect(await serve(() => limit.abort(new Error('too late'))), limit.signal);
  await expect(client.execute('cont')).rejects.toThrow('too late');
});

test('where nobody listens, the error of the system says so', async () => {
  await expect(connect(join(scratch, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a reply is found among any others, in whatever pieces it comes', async () => {
  const noise = fc.oneof(
    fc.record({ event: fc.string(), data: fc.jsonValue() }),
    fc.record({ return: fc.jsonValue(), id: fc.oneof(fc.string(), fc.integer({ min: 100 })) }),
  );
  const rows = fc.tuple(
    fc.array(noise, { maxLength: 5 }),
    fc.array(noise, { maxLength: 5 }),
    fc.nat(64),
  );
  let current: { before: string; after: string; size: number } = { before: '', after: '', size: 1 };
  const path = await serve((socket, { id }) => {
    const reply = line({ return: { ...versionReply, package: 'ünïcødé 🐛' }, id });
    const bytes = Buffer.from(current.before + reply + current.after);
    for (let at = 0; at < bytes.length; at += current.size)
      socket.write(bytes.subarray(at, at + current.size));
  });
  await fc.assert(
    fc.asyncProperty(rows, async ([before, after, size]) => {
      const text = (messages: unknown[]) => messages.map(line).join('');
      current = { before: text(before), after: text(after), size: size + 1 };
      const client = await connectQmp(host, path, new AbortController().signal);
      try {
        expect(await client.execute('query-version')).toHaveProperty('package', 'ünïcødé 🐛');
      } finally {
        client.close();
      }
    }),
    { numRuns: 50 },
  );
});
