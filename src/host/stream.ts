import { spawn } from 'node:child_process';
import { constants as systemConstants } from 'node:os';
import type { Io } from '../core/io.ts';
import type { Streamed, StreamOptions } from '../core/process.ts';
import { handedOn } from './inherited.ts';
import { explainSpawn } from './programs.ts';

/** Of what a program says on standard error, its end is kept. */
const longestError = 64 * 1024;

/**
 * Starts a program whose standard output is read as it comes, as fast as it is read. It is killed with its group when
 * `io.signal` aborts, and by `end`.
 */
export function stream(argv: readonly string[], io: Io, options: StreamOptions = {}): Streamed {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('stream: empty argv');
  io.signal.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...handedOn(options.inherit, 3)],
    detached: true,
    env: { ...process.env, ...options.env },
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-longestError);
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has ended meanwhile.
    }
    child.stdout?.destroy();
  };
  io.signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<{ exitCode: number; stderr: string }>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(explainSpawn(error, program)));
    child.once('close', (code, signal) => {
      const exitCode = code ?? 128 + (signal === null ? 0 : systemConstants.signals[signal]);
      resolve({ exitCode, stderr });
    });
  }).finally(() => io.signal.removeEventListener('abort', end));
  // Whoever reads the output may fail first.
  ended.catch(() => {});
  return { output: child.stdout as AsyncIterable<Uint8Array>, ended, end };
}
