import type { FileContent, FileFacts, FileIdentity, ReachedDirectory } from './file-facts.ts';
import type { Io } from './io.ts';
import type {
  DaemonOptions,
  FedDaemon,
  ProcessMemory,
  ProcessRef,
  RunOptions,
  RunResult,
  Streamed,
  StreamOptions,
} from './process.ts';
import type { OpenedPlace, OpenedTree } from './project-tree.ts';
import type { HostPath } from './shared-path.ts';

/** Bytes that one client sends to a UNIX socket of this process. */
export interface Incoming {
  /** All that the first client sends, until it closes or `close` is called. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Listens no more, ends the client, and removes the socket. */
  close(): void;
}

/** A lock held by the kernel: released by `release` or by the death of this process. */
export interface HeldLock {
  release(): Promise<void>;
}

/** Who holds a lock, as far as it could be read. */
export interface LockHolder {
  readonly pid: number;
  readonly command: string;
  readonly since: string;
}

/** A stream socket that speaks lines of text. */
export interface LineSocket {
  /** Sends a line; the newline is added. */
  send(line: string): void;
  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void;
  /** The next line, or `undefined` when the peer has closed. Honours `signal`. */
  receive(signal: AbortSignal): Promise<string | undefined>;
  close(): void;
}

export interface HostUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** A file open for reading: the same one, whatever its name is given to meanwhile. */
export interface OpenFile {
  size(): Promise<number>;
  /** Fills `into` from a place of the file; returns how many bytes there were. */
  read(into: Uint8Array, offset: number): Promise<number>;
  close(): Promise<void>;
}

/** Files of this machine. Every write is atomic and private (0600, directories 0700) unless told otherwise. */
export interface Files {
  readText(path: HostPath): Promise<string | undefined>;
  readBytes(path: HostPath): Promise<Uint8Array | undefined>;
  /** At most `bytes` from the end of a file; empty when there is none. */
  readTail(path: HostPath, bytes: number): Promise<string>;
  /** Write to a temporary file, fsync, rename, fsync the directory. */
  writeAtomic(path: HostPath, content: FileContent, mode?: number): Promise<void>;
  /** As `writeAtomic`, but fails with `conflict` when the file exists. */
  writeNew(path: HostPath, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Append and fsync. */
  appendSynced(path: HostPath, line: string): Promise<void>;
  /** Write over the beginning of a file, in place, and fsync. It is made when it is not there. */
  overwriteSynced(path: HostPath, content: string): Promise<void>;
  /** Cut a file to this size, and fsync. */
  truncate(path: HostPath, size: number): Promise<void>;
  /** Opens a file for reading; `undefined` when there is none. Close it when done. */
  open(path: HostPath): Promise<OpenFile | undefined>;
  facts(path: HostPath): Promise<FileFacts | undefined>;
  /** Which file it is, links followed; `undefined` when there is none, or it may not be looked at. */
  identity(path: HostPath): Promise<FileIdentity | undefined>;
  list(path: HostPath): Promise<string[]>;
  /** Makes a directory and those above it, each of them durable. */
  makeDirectory(path: HostPath, mode?: number): Promise<void>;
  /**
   * Makes a private directory of a name of its own in this one, which is made too. Remove it when done; what a crash leaves
   * is swept like a file that was half written.
   */
  makeScratch(directory: HostPath): Promise<string>;
  /** Removes a file or a whole tree, durably; nothing there is no error. */
  remove(path: HostPath): Promise<void>;
  rename(from: HostPath, to: HostPath): Promise<void>;
  copy(from: HostPath, to: HostPath): Promise<void>;
  symlink(target: string, path: HostPath): Promise<void>;
  /** What a link says, as it is written in it; `undefined` when there is no such link. */
  readLink(path: HostPath): Promise<string | undefined>;
  /** The canonical path, or `undefined` when it does not exist. */
  realPath(path: HostPath): Promise<string | undefined>;
  freeBytes(path: HostPath): Promise<number>;
  sha256(path: HostPath, io: Io): Promise<string>;
  setMode(path: HostPath, mode: number): Promise<void>;
  /** Makes the content of a file, or the names in a directory, durable. */
  sync(path: HostPath): Promise<void>;
}

/** A file of lines that several processes write at the same time. */
export interface LogFile {
  /**
   * Appends one line, newline included, at once: it never mixes with another process's, and is in the file when this
   * returns. Unless `create`, does nothing where the directory around the file's own is missing. Returns whether it
   * wrote. Throws when it cannot.
   */
  append(line: string, options: { create: boolean }): boolean;
}

export interface DownloadResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface FetchOptions {
  /** Default GET. */
  method?: 'GET' | 'POST' | 'PUT';
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds until the headers of the answer must be there. The body may take its time. */
  timeout?: number;
  /** Certificates (PEM) that alone are trusted, in place of the usual ones. */
  ca?: string;
  /** `manual` returns an answer that points elsewhere as it is, as `ca` always does. Default `follow`. */
  redirect?: 'follow' | 'manual';
}

/** This machine: the only door to its processes, files, sockets and clock. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly user: HostUser;
  readonly architecture: string;
  readonly cpuCount: number;
  /** From now on whatever else runs on this machine comes before this process and what it starts. */
  yieldProcessors(): void;
  readonly memoryBytes: number;
  readonly hostname: string;
  readonly files: Files;
  /**
   * Opens a directory that a guest may write to. Links on the way are told and not followed, or, with `follow`, the path is
   * made canonical first; what is opened then is the directory of exactly that path.
   */
  openTree(path: string, options?: { links: 'follow' | 'refuse' }): Promise<OpenedTree>;
  /**
   * Finds a file or directory that a user has named, by the user's own links. Nothing in a directory that is a floor leads
   * out of it again. To be written, it is not reached by a link to a program of the system: a guest may have sent that one.
   */
  openPlace(
    path: string,
    options: {
      isFloor(directory: ReachedDirectory): boolean | Promise<boolean>;
      toWrite?: boolean;
    },
  ): Promise<OpenedPlace>;

  /** The addresses of a host by its name, as this system finds them; none when there are none. */
  lookUp(name: string): Promise<string[]>;

  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits; rejects with the signal's reason when it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;

  /** Sets a variable, or unsets it, from now on: for this process and for those that it starts. */
  setVariable(name: 'PATH' | 'TMPDIR', value: string | undefined): void;
  /** The absolute path of a program on the PATH, in a `sbin`, or at one of the extra places. */
  which(program: string, extraPlaces?: readonly string[]): Promise<string | undefined>;
  /** As `which`, but fails with `host-unable` and names the package to install. */
  require(program: string): Promise<string>;
  /** Runs a program to its end. argv is never a shell string. Killed with its group when `io.signal` aborts. */
  run(argv: readonly string[], io: Io, options?: RunOptions): Promise<RunResult>;
  /** Starts a program whose output is read as it comes. Killed with its group when `io.signal` aborts. */
  stream(argv: readonly string[], io: Io, options?: StreamOptions): Streamed;
  /** Runs a program on this terminal and returns its exit code. */
  runAttached(argv: readonly string[], io: Io): Promise<number>;
  /** Starts a program that outlives us, in a session of its own. */
  startDaemon(argv: readonly string[], options: DaemonOptions): Promise<ProcessRef>;
  /** As `startDaemon`, for a program that is told to read its descriptor 3. */
  startFedDaemon(argv: readonly string[], options: DaemonOptions): Promise<FedDaemon>;
  /** The process with this pid, or `undefined`; zombies count as gone. */
  processRef(pid: number): Promise<ProcessRef | undefined>;
  isAlive(ref: ProcessRef): Promise<boolean>;
  /** Living processes with this path in their command line: the truth about what runs for a VM, after any crash. */
  processesMentioning(path: string): Promise<ProcessRef[]>;
  /** Seconds since this process started. */
  processAge(ref: ProcessRef): Promise<number>;
  /** Signals exactly that process (never a later one with the same pid). */
  kill(ref: ProcessRef, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Memory of a process in bytes; `undefined` when it is gone. */
  processMemory(ref: ProcessRef): Promise<ProcessMemory | undefined>;

  /**
   * Takes a lock, waiting up to `wait` milliseconds (default 0; may be `Infinity`). Fails with `conflict` and names the
   * holder.
   */
  lock(path: string, io: Io, options: { what: string; wait?: number }): Promise<HeldLock>;
  /** True when some process holds the lock now. */
  isLocked(path: string): Promise<boolean>;

  /**
   * A log at this path, opened at its first line. One that has reached `limit` bytes becomes `NAME.1.jsonl`, that one
   * `NAME.2.jsonl` and so on; `keep` of them stay.
   */
  logFile(path: string, options: { limit: number; keep: number }): LogFile;

  /** True when the file can be opened for reading and writing by this user. */
  canOpen(path: string): Promise<boolean>;
  connect(socketPath: string): Promise<LineSocket>;
  /** Listens on a UNIX socket, which must not be there, for one client. Close it when done. */
  listenOnce(socketPath: string): Promise<Incoming>;
  /** Joins this terminal to a UNIX socket until Ctrl-], the end of either side, or the signal. */
  joinTerminal(socketPath: string, options: { io: Io; onJoined: () => void }): Promise<void>;
  /** True when 127.0.0.1:port can be bound now. */
  canBind(port: number): Promise<boolean>;
  /** True when something answers with bytes or stays open on 127.0.0.1:port. */
  portAnswers(port: number, signal: AbortSignal): Promise<boolean>;
  /** One HTTP request; the body of the answer is streamed, and must be read or given up by `io.signal`. */
  fetch(url: string, io: Io, options?: FetchOptions): Promise<DownloadResponse>;
  /** Streams a body into an open file at an offset, fsynced at the end. */
  writeStream(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: { offset: number; io: Io; onBytes: (total: number) => void },
  ): Promise<number>;
}
