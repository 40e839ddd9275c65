import { describe, expect, it } from 'vitest';
import { until } from './until.ts';

function fakeClock() {
  const slept: number[] = [];
  const sleep = async (milliseconds: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    slept.push(milliseconds);
  };
  return { slept, sleep };
}

describe('until', () => {
  it('returns the first answer, without a pause after it', async () => {
    const { slept, sleep } = fakeClock();
    const answers = [undefined, false as const, 0];
    const io = { signal: new AbortController().signal };
    const answer = await until(() => answers.shift(), { interval: 50, io, sleep });
    expect(answer).toBe(0);
    expect(slept).toEqual([50, 50]);
  });

  it('stops with the reason of the signal', async () => {
    const { sleep } = fakeClock();
    const controller = new AbortController();
    let checks = 0;
    const check = () => {
      checks += 1;
      if (checks === 3) controller.abort(new Error('stopped'));
      return undefined;
    };
    const waiting = until(check, { interval: 1, io: controller, sleep });
    await expect(waiting).rejects.toThrow('stopped');
    expect(checks).toBe(3);
  });

  it('asks nothing when the signal has aborted before', async () => {
    const { sleep } = fakeClock();
    let checks = 0;
    const check = () => {
      checks += 1;
      return true;
    };
    const io = { signal: AbortSignal.abort(new Error('before')) };
    await expect(until(check, { interval: 1, io, sleep })).rejects.toThrow('before');
    expect(checks).toBe(0);
  });

  it('passes on what the check throws', async () => {
    const { sleep } = fakeClock();
    const io = { signal: new AbortController().signal };
    const check = async () => {
      throw new Error('broken');
    };
    await expect(until(check, { interval: 1, io, sleep })).rejects.toThrow('broken');
  });
});
