export interface UntilOptions {
  /** Milliseconds between two checks. */
  readonly interval: number;
  readonly io: { readonly signal: AbortSignal };
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Asks again and again until `check` returns something other than `undefined` or `false`, and returns that.
 * Rejects with the signal's reason when it aborts; what `check` throws ends the waiting too.
 */
export async function until<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: UntilOptions,
): Promise<T> {
  const { interval, io, sleep } = options;
  for (;;) {
    io.signal.throwIfAborted();
    const answer = await check();
    if (answer !== undefined && answer !== false) return answer;
    await sleep(interval, io.signal);
  }
}
