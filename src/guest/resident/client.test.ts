import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { encodeRequest, type HelperStep, openHelper, parseAnswer } from './client.ts';

const host = createHost();
const io = quietIo();
const hex = (text: string) => Buffer.from(text).toString('hex');

let directory: string;
let server: Server | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cbc-'));
  server = undefined;
});
afterEach(async () => {
  vi.useRealTimers();
  const ended = server;
  if (ended !== undefined) await new Promise((resolve) => ended.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

/** A port whose other end does as `answer` says with each `go ID`; the first of a connection is the greeting. */
async function listen(answer: (socket: Socket, id: string, count: number) => void) {
  const path = join(directory, 'port');
  const received: string[] = [];
  const listening = createServer((socket) => {
    let pending = '';
    let count = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      pending += chunk.toString('utf8');
      for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 1);
        received.push(line);
        const id = /^go ([0-9a-f]+)$/.exec(line)?.[1];
        if (id !== undefined) answer(socket, id, count++);
      }
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  return { path, received };
}

describe('a request', () => {
  test('is read as it was meant, whatever is in it', () => {
    const word = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array());
    const step = fc.tuple(fc.stringMatching(/^[a-z][a-z-]{0,20}$/), fc.array(word));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const asked = steps.map(([verb, words]): HelperStep => [verb, ...words]);
        const lines = encodeRequest('7', asked).split('\n');
        expect(lines.slice(0, 2)).toEqual(['', 'begin']);
        expect(lines.slice(-2)).toEqual(['go 7', '']);
        const read = lines.slice(2, -2).map((line) => {
          const [verb, ...words] = line.split(' ');
          return [verb, words.map((one) => Buffer.from(one, 'hex').toString('base64'))];
        });
        expect(read).toEqual(
          steps.map(([verb, words]) => [
            verb,
            words.map((one) => Buffer.from(one as string).toString('base64')),
          ]),
        );
      }),
    );
  });
});

describe('an answer', () => {
  test('of names and values is taken apart', () => {
    expect([...parseAnswer(`ok random=${hex('a b=c')} empty=`)]).toEqual([
      ['random', 'a b=c'],
      ['empty', ''],
    ]);
    expect(parseAnswer('ok').size).toBe(0);
  });

  test('that a step failed names it, fit for a terminal', () => {
    const answer = `failed mount ${hex('/mnt: \u001b[31mno such device')}`;
    expect(() => parseAnswer(answer)).toThrowError(
      expect.objectContaining({
        code: 'guest-failed',
        message: expect.stringContaining(
          'mount failed in the guest: /mnt: \\u001b[31mno such device',
        ),
        facts: { step: 'mount', reason: '/mnt: \\u001b[31mno such device' },
      }),
    );
  });

  test('of any other words is none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (words) => {
        try {
          parseAnswer(words);
        } catch (error) {
          expect(error).toMatchObject({ code: 'guest-failed' });
        }
      }),
    );
    for (const words of [
      '',
      'OK',
      'ok ',
      'ok x',
      'ok x=0',
      'ok x=zz',
      'ok =00',
      'ok a=00=',
      'failed',
    ])
      expect(() => parseAnswer(words)).toThrow(/makes no sense/);
  });
});

describe('a helper', () => {
  test('answers, after what it had to say to others', async () => {
    const { path, received } = await listen((socket, id) => {
      socket.write(`0123456789abcdef ok\nfailed\n\n${id} ok name=${hex('shop')}\n`);
    });
    const helper = await openHelper(host, path, io);
    const answer = await helper.ask([['hostname', 'shop']], io);
    helper.close();
    expect(answer.get('name')).toBe('shop');
    expect(received).toContain(`hostname ${hex('shop')}`);
  });

  test('that was not there yet is greeted again', async () => {
    const { path } = await listen((socket, id, count) => {
      if (count === 2) socket.write(`${id} ok\n`);
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const opening = openHelper(host, path, io);
    const opened = opening.then((helper) => helper.close());
    let done = false;
    void opened.then(() => (done = true));
    for (let tries = 0; tries < 1000 && !done; tries++) {
      await vi.advanceTimersByTimeAsync(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await opened;
  });

  test('whose port is closed meanwhile is connected again', async () => {
    let connections = 0;
    const { path } = await listen((socket, id) => {
      if (connections++ === 0) socket.destroy();
      else socket.write(`${id} ok\n`);
    });
    (await openHelper(host, path, io)).close();
    expect(connections).toBe(2);
  });

  test('that says nothing is given up after a minute', async () => {
    const { path } = await listen(() => {});
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const outcome = openHelper(host, path, io).catch((error: unknown) => error);
    let done = false;
    void outcome.then(() => (done = true));
    for (let tries = 0; tries < 1000 && !done; tries++) {
      await vi.advanceTimersByTimeAsync(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await outcome).toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('did not answer'),
    });
  });

  test('is not waited for after Ctrl-C', async () => {
    const { path } = await listen(() => {});
    const aborted = new AbortController();
    const opening = openHelper(host, path, quietIo(aborted.signal));
    aborted.abort(new Error('Ctrl-C'));
    await expect(opening).rejects.toThrow('Ctrl-C');
  });

  test.each<[string, (socket: Socket, id: string) => void, RegExp]>([
    ['hangs up', (socket) => socket.end(), /closed its channel/],
    ['talks without end', (socket) => socket.write('x\n'.repeat(5000)), /no answer/],
    [
      'has a huge answer',
      (socket, id) => socket.write(`${id} ok ${'0'.repeat(300_000)}\n`),
      /long/,
    ],
    ['answers garbage', (socket, id) => socket.write(`${id} ok \u0000\u00ff=\n`), /no sense/],
    ['fails without a reason', (socket, id) => socket.write(`${id} failed\n`), /no sense/],
  ])('that %s is lost', async (_, misbehave, message) => {
    const { path } = await listen((socket, id, count) =>
      count === 0 ? socket.write(`${id} ok\n`) : misbehave(socket, id),
    );
    const helper = await openHelper(host, path, io);
    await expect(helper.ask([['report']], io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringMatching(message),
    });
    helper.close();
  });

  test('of a machine that does not run is not waited for', async () => {
    await expect(openHelper(host, join(directory, 'port'), io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'the machine is not running',
    });
  });
});
