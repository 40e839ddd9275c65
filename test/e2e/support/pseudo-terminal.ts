import { spawn } from 'node:child_process';
import { shellQuote } from '../../../src/lib/quote.ts';

export interface Sitting {
  readonly exitCode: number;
  /** Everything that was on the screen. */
  readonly screen: string;
}

/** What is waited for on the screen, and what is then typed; Enter follows. */
export type Answer = readonly [prompt: RegExp, typed: string];

export interface SittingOptions {
  readonly answers?: readonly Answer[];
  readonly env?: Readonly<Record<string, string>>;
  /** File for standard output, which is else the terminal too. */
  readonly stdout?: string;
  /** Milliseconds; the command is killed then and the test fails. Default two minutes. */
  readonly timeout?: number;
}

/** Runs a command on a pseudo terminal, by script(1), and types when it asks. Fails when a question never came. */
export function onTerminal(
  argv: readonly string[],
  { answers = [], env, stdout, timeout = 120_000 }: SittingOptions = {},
): Promise<Sitting> {
  const to = stdout === undefined ? '' : ` > ${shellQuote(stdout)}`;
  const line = `stty cols 100 rows 30; exec ${argv.map(shellQuote).join(' ')}${to}`;
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const left = [...answers];
    let screen = '';
    let seen = 0;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeout);
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => {
      screen += chunk;
    });
    child.stdout.on('data', (chunk: Buffer) => {
      screen += chunk;
      const [next] = left;
      if (next === undefined || !next[0].test(screen.slice(seen))) return;
      seen = screen.length;
      left.shift();
      child.stdin.write(`${next[1]}\r`);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (!isLate && left.length === 0) return resolve({ exitCode: code ?? 128, screen });
      const [prompt] = left[0] ?? ['its end'];
      reject(new Error(`${argv.join(' ')} did not come to ${prompt}\n${screen}`));
    });
  });
}
