import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContext } from '../../src/context.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { inTurn, whenIdle } from '../../src/ops/turns.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function context(signal?: AbortSignal) {
  const host = { ...createHost({ CLONEBOX_HOME: home, CLONEBOX_CACHE: home }), cpuCount: 2 };
  return createContext({ io: quietIo(signal), startedAt: 0, trace: createTrace({}) }, { host });
}

test.each([
  [1, 2],
  [2, 1],
  [3, 1],
])(
  'no more machines with %d processors are started at once than this host has',
  async (cpus, atOnce) => {
    let now = 0;
    let most = 0;
    const start = async () => {
      most = Math.max(most, ++now);
      await sleep(100);
      now -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => inTurn(context(), { cpus }, start)));
    expect(most).toBe(atOnce);
  },
);

test('who waits for a turn can be stopped, and has none then', async () => {
  const one = { cpus: 2 };
  let release = () => {};
  const busy = inTurn(context(), one, () => new Promise<void>((resolve) => (release = resolve)));
  await sleep(100);
  const stop = new AbortController();
  const waiting = inTurn(context(stop.signal), one, async () => 'had a turn');
  await sleep(100);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  release();
  await busy;
  expect(await inTurn(context(), one, async () => 'free')).toBe('free');
});

test('what nobody waits for begins when no machine is being started, one at a time', async () => {
  const order: string[] = [];
  const started = inTurn(context(), { cpus: 1 }, async () => {
    await sleep(700);
    order.push('started');
  });
  await sleep(100);
  const idle = (name: string) =>
    whenIdle(context(), async () => {
      order.push(`${name} begins`);
      await sleep(200);
      order.push(`${name} ends`);
    });
  await Promise.all([started, idle('one'), idle('two')]);
  expect(order[0]).toBe('started');
  const [first] = order[1]?.split(' ') ?? [];
  expect(order[2]).toBe(`${first} ends`);
  expect(order).toHaveLength(5);
});
