import type { Io, Log } from './io.ts';

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

/** An `Io` that nobody hears, and by default nobody aborts: for short work whose contract has none. */
export function quietIo(signal: AbortSignal = new AbortController().signal): Io {
  return { signal, log: silent, emit: () => {} };
}

/** The same `Io`, but deaf to its abort: taking back must run to its end after a Ctrl-C too. */
export function uninterrupted(io: Io): Io {
  return {
    signal: new AbortController().signal,
    log: io.log,
    emit: (progress) => io.emit(progress),
  };
}
