import { performance } from 'node:perf_hooks';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/io.ts';
import type { Trace } from '../core/trace.ts';
import { redact } from '../lib/redact.ts';
import { colorsFor } from './colors.ts';
import type { Command } from './command.ts';
import type { Globals } from './globals.ts';
import { createLog } from './log.ts';
import { createHomeLog, type HomeLog } from './log-home.ts';
import type { LogLevels } from './log-levels.ts';
import { createTerminalLog } from './log-terminal.ts';
import { createProgress } from './progress.ts';
import type { ProgressView } from './progress-view.ts';
import type { Terminal } from './terminal.ts';

/** Whom a command tells what it does, and who reads it later. */
export interface Audience {
  readonly view: ProgressView;
  readonly log: Log;
  readonly home: HomeLog;
}

/** The progress on the terminal, and the log: on standard error and in the state directory. */
export function createAudience(
  call: { readonly name: string; readonly command: Command; readonly globals: Globals },
  terminal: Terminal,
  { levels, trace }: { levels: LogLevels; trace: Trace },
): Audience {
  const { globals } = call;
  const view = createView(call, terminal);
  const colors = colorsFor({
    isTty: terminal.isTty.stderr,
    wanted: globals.color,
    env: terminal.env,
  });
  const write = (text: string) => {
    view.pause();
    terminal.stderr.write(text);
  };
  const home = createHomeLog({
    threshold: levels.file,
    warn: (error) => write(`${colors.yellow('warning:')} no log: ${redact(reasonOf(error))}\n`),
  });
  const format = globals.logFormat ?? (terminal.isTty.stderr ? 'pretty' : 'json');
  const outputs = [createTerminalLog({ threshold: levels.terminal, format, colors, write }), home];
  const { id: operation, correlation } = trace;
  const bound = { operation, correlation, command: call.name, pid: process.pid };
  return { view, log: createLog(outputs, { now: Date.now, bound }), home };
}

function createView(
  { command, globals }: { readonly command: Command; readonly globals: Globals },
  terminal: Terminal,
): ProgressView {
  const { env, isTty } = terminal;
  // The live line must not write into what the guest writes.
  const shared = command.guestArgv !== undefined || command.terminal !== undefined;
  const live = isTty.stderr && env.TERM !== 'dumb' && !shared;
  return createProgress(globals.quiet ? 'quiet' : live ? 'live' : 'plain', {
    write: (text) => terminal.stderr.write(text),
    colors: colorsFor({ isTty: isTty.stderr, wanted: globals.color, env }),
    columns: columnsOf(terminal.stderr.columns),
    verbose: globals.verbose,
    unicode: hasUnicode(env),
    now: () => performance.now(),
    every: (milliseconds, action) => {
      // biome-ignore lint/style/noRestrictedGlobals: redraws the live line; no operation waits for it.
      const timer = setInterval(action, milliseconds).unref();
      return () => clearInterval(timer);
    },
  });
}

function columnsOf(columns: number | undefined): number {
  return Math.max(20, Math.min(80, columns || 80));
}

function hasUnicode(env: Terminal['env']): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale) && env.TERM !== 'linux';
}
