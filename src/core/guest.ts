import type { Io } from './io.ts';

export interface GuestResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** True when output was longer than the bound and its middle is missing. */
  readonly truncated: boolean;
}

export interface GuestExecOptions {
  /** Run as this user; default root. */
  user?: string;
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  stdin?: string | Uint8Array;
  /** Milliseconds; the whole process group in the guest is killed at its end, `deadline`. */
  timeout?: number;
  /**
   * For a command that says little and leaves nothing running: the agent holds its output and there is no process but
   * its own (and the one that changes the user). It has no directory, no input and no `onOutput`; at the end of its time
   * it alone is killed.
   */
  brief?: boolean;
  /** Receives output as it appears. */
  onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
}

/** Everything that can be done inside a running guest. Answers are untrusted: parsed, bounded, timed. */
export interface Guest {
  /** Waits until the guest answers. Rejects when `io.signal` aborts. */
  waitReady(io: Io): Promise<void>;
  /** One quick question; false when there is no answer within the time (milliseconds). */
  ping(io: Io, timeout: number): Promise<boolean>;
  /** Runs argv exactly as given. Fails with `guest-failed` when it cannot be started or the guest is lost. */
  exec(argv: readonly string[], io: Io, options?: GuestExecOptions): Promise<GuestResult>;
  readFile(path: string, io: Io): Promise<Uint8Array | undefined>;
  /**
   * Reads several files in three round trips, in the order of `paths`; `undefined` for one that is not there. For small
   * ones: a file of more than 192 KiB is cut off there.
   */
  readFiles(paths: readonly string[], io: Io): Promise<(Uint8Array | undefined)[]>;
  /** What the guest's clock says: milliseconds since the epoch. Starts no process. */
  time(io: Io): Promise<number>;
  /** Writes the whole file in place. Mode and owner are those of the existing file, or root's 0644 default. */
  writeFile(path: string, content: string | Uint8Array, io: Io): Promise<void>;
  /** Asks the guest to power off or reboot; returns at once. */
  shutdown(mode: 'powerdown' | 'reboot', io: Io): Promise<void>;
  /** Ends the channel for good: what is under way fails, and so does every later call. */
  close(): Promise<void>;
}
