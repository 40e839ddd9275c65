import { runLine } from '../../../src/cli/run-line.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import type { Host, LogFile } from '../../../src/core/host.ts';
import type { ProjectTree } from '../../../src/core/project-tree.ts';
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
  const { host, close } = closingHost(env);
  try {
    const exitCode = await runLine(argv, terminal, { host });
    return { exitCode, ...texts };
  } finally {
    await close();
  }
}

const logs = new Map<string, LogFile>();

/** This host; `close` does what the end of a process does to the directories that a command has opened. */
function closingHost(env: Host['env']): { host: Host; close(): Promise<void> } {
  const own = createHost(env);
  const opened: ProjectTree[] = [];
  const host: Host = {
    ...own,
    // One for all lines: a log keeps its file open until the process ends.
    logFile: (path, options) => {
      const log = logs.get(path) ?? own.logFile(path, options);
      logs.set(path, log);
      return log;
    },
    openTree: async (...words) => {
      const found = await own.openTree(...words);
      if (found.kind === 'tree') opened.push(found.tree);
      return found;
    },
    openPlace: async (...words) => {
      const found = await own.openPlace(...words);
      if (found.kind === 'place') opened.push(found.parent);
      return found;
    },
  };
  return {
    host,
    close: async () => {
      for (const tree of opened) await tree.close();
    },
  };
}
