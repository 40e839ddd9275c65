import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agent, file, giveEachAnAgent, guest, io, read } from '../../test/fixtures/agent-bed.ts';

giveEachAnAgent();

describe('files', () => {
  test('come out as they went in, over many messages', async () => {
    const large = Buffer.alloc(500_000, 'äöü€');
    await guest.writeFile('/etc/large', large, io);
    expect(readFileSync(file('etc/large')).equals(large)).toBe(true);
    expect(Buffer.from((await guest.readFile('/etc/large', io)) ?? []).equals(large)).toBe(true);
    await guest.writeFile('/etc/large', '', io);
    expect(await read('/etc/large')).toBe('');
  });

  test('of any content do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await guest.writeFile('/etc/any', bytes, io);
        expect(Buffer.from((await guest.readFile('/etc/any', io)) ?? [])).toEqual(
          Buffer.from(bytes),
        );
      }),
      { numRuns: 50 },
    );
    expect(agent.connections).toBe(1);
  });

  test('go on where a short write ended', async () => {
    agent.misbehave('guest-file-write', '{"return": {"count": 3, "eof": false}}\n');
    await guest.writeFile('/etc/short', 'abcdef', io);
    expect(readFileSync(file('etc/short'), 'utf8')).toBe('def');
  });

  test('that do not fit are an error, not an endless loop', async () => {
    agent.misbehave('guest-file-write', '{"return": {"count": 0, "eof": false}}\n');
    await expect(guest.writeFile('/etc/full', 'abc', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('disk is full'),
    });
  });

  test('in no directory are not written, and nothing pretends that they were', async () => {
    await expect(guest.writeFile('/etc/no/such', 'x', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('no such directory'),
    });
  });

  test('are all closed again', async () => {
    await guest.writeFile('/etc/one', 'x', io);
    await read('/etc/one');
    const count = (command: string) =>
      agent.received.filter(({ execute }) => execute === command).length;
    expect(count('guest-file-close')).toBe(count('guest-file-open'));
  });
});

describe('several files', () => {
  test('are read in three turns, in their order, and those that are not there are missing', async () => {
    writeFileSync(file('etc/one'), '1');
    writeFileSync(file('etc/two'), '');
    const paths = ['/etc/one', '/etc/none', '/etc/two', '/etc/one'];
    const found = await guest.readFiles(paths, io);
    expect(found.map((one) => one && Buffer.from(one).toString('utf8'))).toEqual([
      ...['1', undefined, '', '1'],
    ]);
    expect(await guest.readFiles([], io)).toEqual([]);
    const closed = agent.received.filter(({ execute }) => execute === 'guest-file-close');
    expect(closed).toHaveLength(3);
  });

  test('of which one cannot be read fail, and none is left open', async () => {
    writeFileSync(file('etc/one'), '1');
    agent.misbehave('guest-file-read', '{"error": {"class": "GenericError", "desc": "EIO"}}\n');
    await expect(guest.readFiles(['/etc/one', '/etc/one'], io)).rejects.toThrow(/EIO/);
    const count = (name: string) => agent.received.filter((one) => one.execute === name).length;
    expect(count('guest-file-close')).toBe(count('guest-file-open'));
    expect(await read('/etc/one')).toBe('1');
  });
});

test("the guest's clock is read in milliseconds", async () => {
  agent.skew = 3_600_000;
  expect(Math.abs((await guest.time(io)) - Date.now() - 3_600_000)).toBeLessThan(5000);
});
