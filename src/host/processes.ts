import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { constants as systemConstants, userInfo } from 'node:os';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type { ProcessMemory, ProcessRef, RunOptions, RunResult } from '../core/process.ts';
import { basicEnvironment } from './basic-environment.ts';
import { handedOn, withoutInherited } from './inherited.ts';
import { explainSpawn } from './programs.ts';

class Collector {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private partial = '';
  private readonly decoder = new StringDecoder('utf8');
  private readonly limit: number;
  private readonly onLine: ((line: string) => void) | undefined;

  constructor(limit: number, onLine: ((line: string) => void) | undefined) {
    this.limit = limit;
    this.onLine = onLine;
  }

  add(chunk: Buffer): void {
    if (this.bytes < this.limit) this.chunks.push(chunk.subarray(0, this.limit - this.bytes));
    this.bytes += chunk.length;
    if (this.onLine === undefined) return;
    const lines = (this.partial + this.decoder.write(chunk)).split(/[\r\n]+/);
    this.partial = (lines.pop() ?? '').slice(0, 4096);
    for (const line of lines) if (line !== '') this.onLine(line);
  }

  /** Tells the last line, which need not end in a newline. */
  end(): void {
    if (this.onLine !== undefined && this.partial !== '') this.onLine(this.partial);
    this.partial = '';
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

/**
 * Runs a program to its end in a process group of its own, so that an abort ends its children too:
 * SIGTERM first, SIGKILL two seconds later.
 */
export function run(argv: readonly string[], io: Io, options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('run: empty argv');
  io.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const limit = options.maxBuffer ?? 16 * 1024 * 1024;
    const stdout = new Collector(limit, options.onLine);
    const stderr = new Collector(limit, options.onLine);
    const started = Date.now();
    const child = options.livesOn
      ? spawnToLiveOn(program, args, options)
      : (spawn(program, args, {
          stdio: ['pipe', 'pipe', 'pipe', ...handedOn(options.inherit, 3)],
          ...{ detached: true, cwd: options.cwd },
          env: { ...process.env, ...options.env },
        }) as ChildProcessWithoutNullStreams);
    let failure: unknown;
    let killTimer: NodeJS.Timeout | undefined;
    const end = (reason: unknown) => {
      if (failure !== undefined) return;
      failure = reason;
      killGroup(child.pid, 'SIGTERM');
      killTimer = setTimeout(() => {
        killGroup(child.pid, 'SIGKILL');
        // A grandchild in a session of its own may hold the pipes open: it is not waited for.
        child.stdout.destroy();
        child.stderr.destroy();
      }, 2000);
    };
    const onAbort = () => end(io.signal.reason);
    io.signal.addEventListener('abort', onAbort, { once: true });
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(
            () =>
              end(
                new CloneboxError(
                  'deadline',
                  `${program} did not end within ${options.timeout} ms`,
                  {
                    facts: { argv, stderr: stderr.text().slice(-2000) },
                  },
                ),
              ),
            options.timeout,
          );
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.add(chunk);
      options.onOutput?.(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.stdin.on('error', () => {});
    giveInput(child.stdin, options.input, end);
    const done = () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      io.signal.removeEventListener('abort', onAbort);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      done();
      reject(explainSpawn(error, program));
    });
    child.once('close', (code, signal) => {
      done();
      io.log.debug('process.completed', {
        argv,
        exitCode: code,
        signal,
        duration_ms: Date.now() - started,
      });
      if (failure !== undefined) return reject(failure);
      stdout.end();
      stderr.end();
      resolve({
        exitCode: code ?? signalStatus(signal),
        signal: signal ?? undefined,
        stdout: stdout.text(),
        stderr: stderr.text(),
      });
    });
  });
}

/** A source that fails ends the program; a program that reads no more says itself why. */
function giveInput(
  stdin: Writable,
  input: RunOptions['input'],
  end: (reason: unknown) => void,
): void {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) {
    stdin.end(input);
    return;
  }
  pipeline(Readable.from(input), stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') end(error);
  });
}

/** The exit status that shells give to a program ended by a signal. */
function signalStatus(signal: NodeJS.Signals | null): number {
  return 128 + (signal === null ? 0 : systemConstants.signals[signal]);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Runs a program on this very terminal (or pipe) and returns its exit status, 128 + n for signal n. */
export function runAttached(argv: readonly string[], io: Io): Promise<number> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('runAttached: empty argv');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    const stop = () => child.kill('SIGTERM');
    io.signal.addEventListener('abort', stop, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) => reject(explainSpawn(error, program)));
    child.once('close', (code, signal) => {
      io.signal.removeEventListener('abort', stop);
      resolve(code ?? signalStatus(signal));
    });
  });
}

/** What the program leaves running has of this process neither variables nor descriptors. */
function spawnToLiveOn(program: string, args: readonly string[], { cwd, env }: RunOptions) {
  const nothing = openSync('/dev/null', 'r');
  try {
    return spawn(program, args, {
      stdio: withoutInherited(['pipe', 'pipe', 'pipe'], nothing),
      detached: true,
      cwd,
      env: { ...basicEnvironment(process.env), ...env },
    }) as ChildProcessWithoutNullStreams;
  } finally {
    closeSync(nothing);
  }
}

function readStat(pid: number): { state: string; startTime: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the second field may contain spaces and parentheses, so count from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/** When a process started, even one that has ended and was not reaped, in ticks since the boot; 0 when there is none. */
export function startTimeOf(pid: number): number {
  return readStat(pid)?.startTime ?? 0;
}

/** The process with this pid as it is now; zombies count as gone. */
export function processRef(pid: number): ProcessRef | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  return { pid, startTime: stat.startTime };
}

/** True while exactly this process lives, not a later one that got its pid. */
export function isAlive(ref: ProcessRef): boolean {
  return processRef(ref.pid)?.startTime === ref.startTime;
}

/** Signals exactly this process; one that is gone is no error. */
export function kill(ref: ProcessRef, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(ref)) return;
  try {
    process.kill(ref.pid, signal);
  } catch {
    // Gone between the look and the signal.
  }
}

/** Living processes, other than this one, with `path` as an argument or inside one. */
export async function processesMentioning(path: string): Promise<ProcessRef[]> {
  const found: ProcessRef[] = [];
  for (const entry of await fs.readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const commandLine = await fs.readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    // Commas are doubled in QEMU's option strings.
    if (!commandLine.includes(path) && !commandLine.includes(path.replaceAll(',', ',,'))) continue;
    // Anybody may start a program with any words.
    if (!(await isOwn(pid))) continue;
    const ref = processRef(pid);
    if (ref !== undefined) found.push(ref);
  }
  return found;
}

/**
 * Whether a process is this user's, or of one of the user's subordinate ids, as virtiofsd in its namespace. Its directory in
 * /proc is root's when it hides its memory, as passt does.
 */
async function isOwn(pid: number): Promise<boolean> {
  const status = await fs.readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [uid = -1] = (/^Uid:\t\d+\t(\d+)/m.exec(status) ?? []).slice(1).map(Number);
  const own = process.geteuid?.();
  if (uid === own) return true;
  const lines = (await fs.readFile('/etc/subuid', 'utf8').catch(() => '')).split('\n');
  return lines.some((line) => {
    const [owner, first, count] = line.split(':');
    const isOurs = owner === String(own) || owner === userInfo().username;
    return isOurs && uid >= Number(first) && uid < Number(first) + Number(count);
  });
}

/** Seconds since a process started, by the kernel's clock. */
export async function processAge(ref: ProcessRef): Promise<number> {
  const uptime = Number((await fs.readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  return Math.max(0, uptime - ref.startTime / clockTicksPerSecond);
}

/** USER_HZ: fixed at 100 on every Linux architecture Node runs on (proc(5), sysconf(3)). */
const clockTicksPerSecond = 100;

/** Memory of a process from smaps_rollup, in bytes; `undefined` when it is gone or not ours. */
export async function processMemory(ref: ProcessRef): Promise<ProcessMemory | undefined> {
  try {
    const text = await fs.readFile(`/proc/${ref.pid}/smaps_rollup`, 'utf8');
    const kib = (key: string) =>
      Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024;
    return {
      rss: kib('Rss'),
      pss: kib('Pss'),
      shared: kib('Shared_Clean') + kib('Shared_Dirty'),
      anonymous: kib('Anonymous'),
    };
  } catch {
    return undefined;
  }
}
