import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  agent,
  file,
  giveEachAnAgent,
  guest,
  host,
  io,
  openAgain,
  read,
  startAgain,
} from '../../test/fixtures/agent-bed.ts';
import { quietIo } from '../core/quiet-io.ts';
import { openAgent } from './agent.ts';

giveEachAnAgent();

describe('a session', () => {
  test('takes no reply of an earlier client for one of its own', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.leave(
      '{"return": 1001}',
      '{"return": 4294967295}',
      '{"return": {"count": 4, "buf-b64": "YmFkCg==", "eof": true}}',
      '{"error": {"class": "GenericError", "desc": "handle has not been found"}}',
      'half of an ans',
    );
    expect(await read('/etc/hostname')).toBe('mine\n');
  });

  test('is not confused by half of a request that an earlier client sent', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    const earlier = await host.connect(agent.socketPath);
    earlier.sendBytes(Buffer.from('{"execute": "guest-file-open", "arguments": {"path": "/etc/ho'));
    earlier.close();
    await expect.poll(() => agent.connections).toBe(1);
    // Without the byte that ends it, the first sync would be lost in it, and the next comes after five seconds.
    const started = Date.now();
    expect(await read('/etc/hostname')).toBe('mine\n');
    expect(Date.now() - started).toBeLessThan(4000);
  });

  test('that was closed is not opened again by what was under way', async () => {
    const aborted = new AbortController();
    const ended = guest.exec(['sleep', '600'], quietIo(aborted.signal)).catch(String);
    const looks = () => agent.received.filter((one) => one.execute === 'guest-exec-status').length;
    await expect.poll(looks).toBeGreaterThan(3);
    aborted.abort(new Error('Ctrl-C'));
    await guest.close();
    rmSync(`${agent.socketPath}.lock`, { force: true });
    expect(await ended).toMatch(/Ctrl-C/);
    expect(readdirSync(dirname(agent.socketPath))).not.toContain('agent.lock');
    await expect(guest.readFile('/etc/hostname', io)).rejects.toThrow(/channel was closed/);
  });

  test('works on after an answer came too late', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.misbehave('guest-file-read', undefined);
    const aborted = new AbortController();
    const reading = guest.readFile('/etc/hostname', quietIo(aborted.signal));
    await agent.receivedOne('guest-file-read');
    aborted.abort(new Error('Ctrl-C'));
    await expect(reading).rejects.toThrow('Ctrl-C');
    agent.leave('{"return": {"count": 4, "buf-b64": "YmFkCg==", "eof": true}}');
    expect(await read('/etc/hostname')).toBe('mine\n');
    expect(agent.connections).toBe(2);
  });

  test('syncs again and again until a slow guest answers, and is right afterwards', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    agent.misbehave('guest-sync', undefined);
    agent.misbehave('guest-sync', undefined);
    const reading = read('/etc/hostname');
    await agent.receivedOne('guest-sync');
    for (let tries = 0; tries < 2; tries++) {
      const next = agent.receivedOne('guest-sync');
      await vi.advanceTimersByTimeAsync(5001);
      await next;
    }
    expect(await reading).toBe('mine\n');
    expect(agent.connections).toBe(1);
    const ids = agent.received.flatMap((one) =>
      one.execute === 'guest-sync' ? [Number(one.arguments.id)] : [],
    );
    expect(ids.map((id) => id - (ids[0] ?? 0))).toEqual([0, 1, 2]);
  });

  test('is right when the guest answers the earlier syncs after all', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    agent.misbehave('guest-sync', undefined);
    const reading = read('/etc/hostname');
    await agent.receivedOne('guest-sync');
    const { id } = agent.received[0]?.arguments ?? {};
    const second = agent.receivedOne('guest-sync');
    agent.misbehave('guest-sync', `{"return": ${id}}\n{"return": ${Number(id) + 1}}\n`);
    await vi.advanceTimersByTimeAsync(5001);
    await second;
    expect(await reading).toBe('mine\n');
  });

  test('opens a new connection when the guest closes its port while it restarts', async () => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.misbehave('guest-sync', 'hang up');
    agent.misbehave('guest-sync', 'hang up');
    await guest.waitReady(io);
    expect(agent.connections).toBe(3);
    expect(await read('/etc/hostname')).toBe('mine\n');
  });

  test.each([
    ['hangs up in the middle', 'hang up', 'it closed its channel'],
    ['answers no JSON', 'Segmentation fault\n', 'its answer is not JSON'],
    ['answers a list', '[1, 2]\n', 'its answer is not JSON'],
    ['answers what was not asked', '{"return": {"surprise": 1}}\n', 'makes no sense'],
    ['answers nothing', '{}\n', 'makes no sense'],
    ['sends bytes that are no text', Buffer.from([0x80, 0xfe, 0, 10]), 'its answer is not JSON'],
    ['sends a line without end', Buffer.alloc(65 * 1024 * 1024, 0x20), 'it closed its channel'],
  ])('whose guest %s has lost it, and the next one is not disturbed', async (_, how, why) => {
    writeFileSync(file('etc/hostname'), 'mine\n');
    agent.misbehave('guest-file-open', how);
    await expect(guest.readFile('/etc/hostname', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining(why),
      hint: expect.stringContaining('clonebox logs'),
    });
    expect(await read('/etc/hostname')).toBe('mine\n');
  });

  test('whose guest never answers is lost after a minute', async () => {
    await guest.waitReady(io);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    agent.misbehave('guest-file-open', undefined);
    const came = agent.receivedOne('guest-file-open');
    const failure = expect(guest.readFile('/etc/hostname', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'the guest is lost: it did not answer guest-file-open',
    });
    await came;
    await vi.advanceTimersByTimeAsync(59_000);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1001);
    await failure;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('tells what the guest refuses in its own words, and stays open', async () => {
    const refused = guest.writeFile('/etc', 'x', io);
    await expect(refused).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('refused guest-file-open'),
      facts: { command: 'guest-file-open', desc: expect.stringContaining("(mode: 'w')") },
    });
    expect(await guest.readFile('/etc/none', io)).toBeUndefined();
    expect(agent.connections).toBe(1);
  });

  test('answers a ping within its time, or says no', async () => {
    expect(await guest.ping(io, 5000)).toBe(true);
    await guest.close();
    openAgain();
    agent.misbehave('guest-sync', undefined);
    expect(await guest.ping(io, 400)).toBe(false);
    expect(await guest.ping(io, 5000)).toBe(true);
  });

  test('of a machine that does not run says so', async () => {
    await agent.close();
    await expect(guest.readFile('/etc/hostname', io)).rejects.toMatchObject({
      code: 'guest-failed',
      message: 'the machine is not running',
      hint: expect.stringContaining('clonebox start'),
    });
    rmSync(dirname(agent.socketPath), { recursive: true });
    await startAgain();
  });

  test('waits for the other one to be done: the agent has room for one', async () => {
    const other = openAgent(host, agent.socketPath);
    await guest.waitReady(io);
    expect(await host.isLocked(`${agent.socketPath}.lock`)).toBe(true);
    let opened = false;
    const waiting = other.waitReady(io).then(() => {
      opened = true;
    });
    writeFileSync(file('etc/hostname'), 'mine\n');
    expect(await read('/etc/hostname')).toBe('mine\n');
    expect({ opened, connections: agent.connections }).toEqual({ opened: false, connections: 1 });
    await guest.close();
    await waiting;
    await other.close();
    expect(agent.connections).toBe(2);
  });
});
