/** Descriptors of this process that a program has too, at the numbers from `from` on; `undefined` leaves one out. */
export interface Inherit {
  readonly from: number;
  readonly own: readonly (number | undefined)[];
}

/** The finished run of a program. A non-zero `exitCode` is a value, not an error. */
export interface RunResult {
  readonly exitCode: number;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Bytes for the program's standard input, as fast as it reads them; closed at once when absent. */
  input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  inherit?: Inherit;
  /** Milliseconds after which the program is killed and `deadline` is thrown. */
  timeout?: number;
  /** Called with each line of standard error (and of standard output) as it appears. */
  onLine?: (line: string) => void;
  /** It leaves a process behind, as passt does: that one is not to keep the variables of this one. */
  livesOn?: boolean;
  /** More output than this many bytes per stream is cut off, not buffered. Default 16 MiB. */
  maxBuffer?: number;
  /** Called with standard output as it comes, byte for byte: `stdout` is what is left of it as text, which is lossy. */
  onOutput?: (chunk: Uint8Array) => void;
}

export type StreamOptions = Pick<RunOptions, 'env' | 'inherit'>;

/** A program that runs, and what it says. */
export interface Streamed {
  readonly output: AsyncIterable<Uint8Array>;
  readonly ended: Promise<Pick<RunResult, 'exitCode' | 'stderr'>>;
  /** Ends it and all that it has started. */
  end(): void;
}

/** A process of ours, told apart from a later one with the same pid by its start time (clock ticks since boot). */
export interface ProcessRef {
  readonly pid: number;
  readonly startTime: number;
}

/** Memory that a process has mapped, in bytes. */
export interface ProcessMemory {
  readonly rss: number;
  readonly pss: number;
  /** Of `rss`: mapped by others too. */
  readonly shared: number;
  /** Of `rss`: of no file, or changed since it was mapped copy-on-write. */
  readonly anonymous: number;
}

export interface DaemonOptions {
  /** Beside PATH, HOME and the like: nothing else of this process's own gets into a daemon, no variable, no descriptor. */
  env?: Readonly<Record<string, string | undefined>>;
  inherit?: Inherit;
  /** File that receives standard output and error, truncated first; what several say is appended. */
  logFile: string;
  cwd?: string;
}

/** A daemon with a socket of this process as its descriptor 3, which ends for it when this process does. */
export interface FedDaemon {
  readonly process: ProcessRef;
  /** Sends these bytes and closes the socket. A daemon that has ended does not mind: what it said is in its log. */
  feed(bytes: Uint8Array): Promise<void>;
}
