import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTime, withDeadline } from './deadline.ts';

const late = () => new Error('too late');

describe('withDeadline', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('aborts with the given error when the time has passed, and not before', () => {
    const outer = new AbortController();
    const io = withDeadline({ signal: outer.signal, log: 'kept' }, 100, late);
    vi.advanceTimersByTime(99);
    expect(io.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(io.signal.reason).toEqual(new Error('too late'));
    expect(outer.signal.aborted).toBe(false);
    expect(io.log).toBe('kept');
  });

  it('passes on an abort from outside with its reason', () => {
    const outer = new AbortController();
    const io = withDeadline({ signal: outer.signal }, 100, late);
    outer.abort('interrupted');
    vi.advanceTimersByTime(200);
    expect(io.signal.reason).toBe('interrupted');
  });

  it('is aborted from the start, and holds no timer, when the outer signal is', () => {
    const io = withDeadline({ signal: AbortSignal.abort('before') }, 100, late);
    expect(io.signal.reason).toBe('before');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer once it is disposed, and never aborts after that', () => {
    const outer = new AbortController();
    const seen: AbortSignal[] = [];
    {
      using io = withDeadline({ signal: outer.signal }, 100, late);
      seen.push(io.signal);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(vi.getTimerCount()).toBe(0);
    outer.abort();
    expect(seen[0]?.aborted).toBe(false);
  });

  it('does not fire at once when the time is longer than a timer can count', () => {
    const io = withDeadline({ signal: new AbortController().signal }, 2 ** 40, late);
    vi.advanceTimersByTime(10_000);
    expect(io.signal.aborted).toBe(false);
    io.dispose();
  });

  it('nests: the nearer deadline wins', () => {
    const outer = withDeadline({ signal: new AbortController().signal }, 50, () => 'outer');
    const inner = withDeadline(outer, 100, () => 'inner');
    vi.advanceTimersByTime(60);
    expect(inner.signal.reason).toBe('outer');
  });
});

describe('inTime', () => {
  it('gives what the promise gives, when that comes first', async () => {
    const { signal } = new AbortController();
    expect(await inTime(Promise.resolve('done'), signal)).toBe('done');
    await expect(inTime(Promise.reject(late()), signal)).rejects.toThrow('too late');
  });

  it('gives up with the reason of the signal, also when that was aborted before', async () => {
    const never = new Promise(() => {});
    const controller = new AbortController();
    const waiting = inTime(never, controller.signal);
    controller.abort(late());
    await expect(waiting).rejects.toThrow('too late');
    await expect(inTime(never, controller.signal)).rejects.toThrow('too late');
  });
});
