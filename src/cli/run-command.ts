import { performance } from 'node:perf_hooks';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { colorsFor } from './colors.ts';
import type { ArgumentSpecs, ArgumentValues, Command, Look } from './command.ts';
import { toJson } from './error-output.ts';
import type { Globals } from './globals.ts';
import { createLog } from './log.ts';
import type { OptionSpecs, OptionValues } from './option.ts';
import { createProgress } from './progress.ts';
import type { ProgressView } from './progress-view.ts';
import { askConfirm } from './prompts.ts';
import { watchSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** A command and the words that were read for it. */
export interface Call {
  readonly command: Command;
  readonly globals: Globals;
  readonly args: ArgumentValues<ArgumentSpecs>;
  readonly options: OptionValues<OptionSpecs>;
  readonly guestArgv: readonly string[];
}

/** The status a shell gives to a program that nobody listened to any more: 128 and SIGPIPE. */
const unreadStatus = 141;

/**
 * Runs a command and prints what it returns: one JSON document or lines for people. Returns the exit code; failures
 * are thrown. `overrides` replace parts of the graph in tests.
 */
export async function runCommand(
  call: Call,
  terminal: Terminal,
  overrides: Partial<Ctx> = {},
): Promise<number> {
  const { command, globals } = call;
  if (globals.json && command.terminal !== undefined) {
    throw new CloneboxError('usage', `--json does not fit here: ${command.terminal}`);
  }
  const view = createView(call, terminal);
  const signals = watchSignals((text) => view.emit({ kind: 'warning', text }));
  const io: Io = {
    signal: AbortSignal.any([signals.signal, terminal.unread]),
    log: createTerminalLog(globals, terminal, view),
    emit: view.emit,
  };
  try {
    const data = await invoke(call, { terminal, view, io, overrides });
    view.finish('done');
    await print(data, call, terminal);
    return command.exitCode?.(data) ?? 0;
  } catch (error) {
    view.finish('failed');
    if (terminal.unread.aborted) return unreadStatus;
    throw whatEnded(error, signals.signal);
  } finally {
    signals.dispose();
  }
}

async function invoke(
  call: Call,
  run: { terminal: Terminal; view: ProgressView; io: Io; overrides: Partial<Ctx> },
): Promise<unknown> {
  const { terminal, view, io } = run;
  const cwd = currentDirectory(terminal);
  const { createContext } = await import('../context.ts');
  const startedAt = Math.round(performance.timeOrigin);
  const { command, ...words } = call;
  return command.run({
    ...words,
    ctx: createContext({ io, startedAt }, run.overrides),
    cwd,
    streams: {
      stdinIsTty: terminal.isTty.stdin,
      stdoutIsTty: terminal.isTty.stdout,
      write: (stream, chunk) => {
        view.pause();
        terminal[stream].write(chunk);
      },
    },
    confirm: (question) => {
      view.pause();
      const canAsk = terminal.isTty.stdin && terminal.isTty.stderr;
      return askConfirm(question, {
        given: call.globals.yes,
        flag: '--yes',
        canAsk,
        signal: io.signal,
      });
    },
  });
}

function currentDirectory(terminal: Terminal): string {
  try {
    return terminal.cwd();
  } catch (cause) {
    throw new CloneboxError('not-found', 'the current directory does not exist any more', {
      hint: 'Change to one that does: cd',
      cause,
    });
  }
}

async function print(data: unknown, call: Call, terminal: Terminal): Promise<void> {
  if (call.globals.json) {
    terminal.stdout.write(`${toJson(data)}\n`);
    return;
  }
  const look: Look = {
    colors: colorsFor({
      isTty: terminal.isTty.stdout,
      wanted: call.globals.color,
      env: terminal.env,
    }),
    columns: terminal.isTty.stdout ? terminal.stdout.columns || 80 : Number.POSITIVE_INFINITY,
  };
  const lines = await call.command.render(data, look);
  if (lines.length > 0) terminal.stdout.write(`${lines.join('\n')}\n`);
}

function createView({ command, globals }: Call, terminal: Terminal): ProgressView {
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

function createTerminalLog(globals: Globals, terminal: Terminal, view: ProgressView): Io['log'] {
  const { isTty, env } = terminal;
  const write = (line: string) => {
    view.pause();
    terminal.stderr.write(line);
  };
  return createLog({
    write: globals.verbose ? write : undefined,
    pretty: isTty.stderr,
    colors: colorsFor({ isTty: isTty.stderr, wanted: globals.color, env }),
    now: Date.now,
  });
}

function columnsOf(columns: number | undefined): number {
  return Math.max(20, Math.min(80, columns || 80));
}

function hasUnicode(env: Terminal['env']): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale) && env.TERM !== 'linux';
}

/** An abort shows up as all kinds of errors below; the user is told what ended the command. */
function whatEnded(error: unknown, signal: AbortSignal): unknown {
  const { reason } = signal;
  if (!signal.aborted || error === reason || !isCloneboxError(reason)) return error;
  return new CloneboxError(reason.code, reason.message, { cause: error });
}
