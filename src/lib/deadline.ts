/** The longest time a timer takes; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** What `withDeadline` adds: call `dispose` (or leave a `using` scope) when the work is over, or the timer keeps running. */
export interface Bounded extends Disposable {
  dispose(): void;
}

/**
 * The same `io` with a signal that also aborts after `milliseconds`, with `makeError()` as its reason.
 * An abort of the outer signal comes through with its own reason.
 */
export function withDeadline<T extends { readonly signal: AbortSignal }>(
  io: T,
  milliseconds: number,
  makeError: () => unknown,
): T & Bounded {
  const controller = new AbortController();
  const onTimeout = () => controller.abort(makeError());
  const onOuterAbort = () => controller.abort(io.signal.reason);
  const timer =
    milliseconds > longestTimer ? undefined : setTimeout(onTimeout, Math.max(0, milliseconds));
  io.signal.addEventListener('abort', onOuterAbort, { once: true });
  const dispose = () => {
    clearTimeout(timer);
    io.signal.removeEventListener('abort', onOuterAbort);
  };
  if (io.signal.aborted) {
    onOuterAbort();
    dispose();
  }
  return { ...io, signal: controller.signal, dispose, [Symbol.dispose]: dispose };
}

/** The promise, or the signal's reason when that comes first: not everything that hangs hears a signal. */
export function inTime<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
