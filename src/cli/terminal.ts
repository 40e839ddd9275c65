import { addAbortSignal } from 'node:stream';
import { isatty } from 'node:tty';

/** What the CLI writes to; Node's streams are that. */
export interface Output {
  write(chunk: string | Uint8Array, done?: () => void): unknown;
  readonly columns?: number;
}

/** This process as the CLI sees it: streams, environment, directory. Tests make their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current directory; throws when it is gone. */
  cwd(): string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly isTty: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** Standard input to its end, or as much of it as is asked for (bytes). */
  readInput(most: number, signal: AbortSignal): Promise<Buffer>;
  /** Aborts when nobody reads standard output any more. */
  readonly unread: AbortSignal;
}

/** The terminal of this process. Errors of its output streams are taken care of: a closed pipe is no failure. */
export function processTerminal(): Terminal {
  const unread = new AbortController();
  process.stdout.on('error', () => unread.abort());
  process.stderr.on('error', () => undefined);
  return {
    env: process.env,
    cwd: () => process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    isTty: {
      stdin: isatty(0),
      stdout: process.stdout.isTTY === true,
      stderr: process.stderr.isTTY === true,
    },
    readInput,
    unread: unread.signal,
  };
}

async function readInput(most: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of addAbortSignal(signal, process.stdin)) {
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size >= most) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  return Buffer.concat(chunks).subarray(0, most);
}

/** Milliseconds that something left open may keep the process alive after its work. */
const patience = 300;

/** Ends the process with this code as soon as all output is out; what was left open does not hold it. */
export async function leave(code: number, terminal: Terminal): Promise<void> {
  process.exitCode = code;
  await Promise.all([terminal.stdout, terminal.stderr].map(flushed));
  // biome-ignore lint/style/noRestrictedGlobals: the process is over; there is no Io to take a timer from.
  setTimeout(() => process.exit(), patience).unref();
}

function flushed(output: Output): Promise<void> {
  return new Promise((resolve) => {
    output.write('', () => resolve());
  });
}
