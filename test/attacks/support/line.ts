import { runLine } from '../../../src/cli/run-line.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { createHost } from '../../../src/host/local.ts';

/**
 * Runs a command line as the built CLI does, on this very host, and in this process: a race wants hundreds of them. Its
 * state is in `home`.
 */
export async function runHere(
  argv: readonly string[],
  { home, cwd = '/' }: { home: string; cwd?: string },
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  const output = (stream: keyof typeof texts) => ({
    write: (chunk: string | Uint8Array) => {
      texts[stream] += Buffer.from(chunk).toString();
    },
  });
  const env = { PATH: process.env.PATH, HOME: home, CLONEBOX_HOME: home };
  const terminal: Terminal = {
    env,
    cwd: () => cwd,
    stdout: output('stdout'),
    stderr: output('stderr'),
    isTty: { stdin: false, stdout: false, stderr: false },
    readInput: async () => Buffer.alloc(0),
    unread: new AbortController().signal,
  };
  const exitCode = await runLine(argv, terminal, { host: createHost(env) });
  return { exitCode, ...texts };
}
