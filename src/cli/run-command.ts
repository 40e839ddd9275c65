import { performance } from 'node:perf_hooks';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { Io, Progress } from '../core/io.ts';
import { createTrace, type Trace } from '../core/trace.ts';
import { withoutControls } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { redactDeep } from '../lib/redact-deep.ts';
import { askPassword } from './ask-password.ts';
import { type Audience, createAudience } from './audience.ts';
import { colorsFor } from './colors.ts';
import type { ArgumentSpecs, ArgumentValues, Command, Look } from './command.ts';
import { exitCodeOf, type FailedOperation, failureFacts, toJson } from './error-output.ts';
import type { Globals } from './globals.ts';
import { logLevels } from './log-levels.ts';
import type { OptionSpecs, OptionValues } from './option.ts';
import { askConfirm } from './prompts.ts';
import { forgetPaths } from './register-secrets.ts';
import { watchSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** A command and the words that were read for it. */
export interface Call {
  /** As it is typed, without `clonebox`: `image pull`. */
  readonly name: string;
  readonly command: Command;
  readonly globals: Globals;
  readonly args: ArgumentValues<ArgumentSpecs>;
  readonly options: OptionValues<OptionSpecs>;
  readonly guestArgv: readonly string[];
}

/** How a command ended: its exit code, or what was thrown. */
export type Ending =
  | { readonly kind: 'done'; readonly code: number }
  | { readonly kind: 'failed'; readonly error: unknown; readonly operation: FailedOperation };

interface Run {
  readonly terminal: Terminal;
  readonly audience: Audience;
  readonly io: Io;
  readonly trace: Trace;
  readonly overrides: Partial<Ctx>;
}

/** The status a shell gives to a program that nobody listened to any more: 128 and SIGPIPE. */
const unreadStatus = 141;

/** What a file of the log may hold, and how many older ones stay. */
const logSize = { limit: 10 * 1024 * 1024, keep: 5 };

/**
 * Runs a command and prints what it returns: one JSON document or lines for people. What it throws is logged and
 * returned; only a command line that cannot begin throws, with `usage`. `overrides` replace parts of the graph in tests.
 */
export async function runCommand(
  call: Call,
  terminal: Terminal,
  overrides: Partial<Ctx> = {},
): Promise<Ending> {
  const { command, globals } = call;
  if (globals.json && command.terminal !== undefined) {
    throw new CloneboxError('usage', `--json does not fit here: ${command.terminal}`);
  }
  const trace = overrides.trace ?? createTrace(terminal.env);
  const levels = logLevels(globals, terminal.env);
  const audience = createAudience(call, terminal, { levels, trace });
  const { view, log, home } = audience;
  const emit = (progress: Progress) => view.emit(redactDeep(progress) as Progress);
  const signals = watchSignals((text) => emit({ kind: 'warning', text }));
  const signal = AbortSignal.any([signals.signal, terminal.unread]);
  const io: Io = { signal, log, emit };
  try {
    const data = await invoke(call, { terminal, audience, io, trace, overrides });
    view.finish('done');
    await print(data, call, terminal);
    const code = command.exitCode?.(data) ?? 0;
    log.debug('command.completed', { exit_code: code, duration_ms: elapsed() });
    await home.close();
    return { kind: 'done', code };
  } catch (thrown) {
    view.finish('failed');
    const unread = terminal.unread.aborted;
    const error = unread ? thrown : whatEnded(thrown, signals.signal);
    const exit_code = unread ? unreadStatus : exitCodeOf(error);
    log.error('command.failed', { ...failureFacts(error), exit_code, duration_ms: elapsed() });
    const isLogged = await home.close();
    if (unread) return { kind: 'done', code: unreadStatus };
    return { kind: 'failed', error, operation: { id: trace.id, isLogged } };
  } finally {
    signals.dispose();
  }
}

async function invoke(call: Call, run: Run): Promise<unknown> {
  const { terminal, audience, io, trace } = run;
  const { view, home } = audience;
  const cwd = currentDirectory(terminal);
  const { createContext } = await import('../context.ts');
  const startedAt = Math.round(performance.timeOrigin);
  const ctx = createContext({ io, startedAt, trace }, run.overrides);
  await forgetPaths(terminal.env, ctx.host.files);
  const named = Object.values(call.args).flatMap((word) => word ?? []);
  const { leaveProjectsOut } = await import('../ops/own-environment.ts');
  await leaveProjectsOut(ctx, { cwd, named });
  await (await import('../ops/owned-places.ts')).requireOwned(ctx);
  home.open(ctx.host.logFile(ctx.store.paths.logFile, logSize));
  const { command, name, ...words } = call;
  const canAsk = terminal.isTty.stdin && terminal.isTty.stderr;
  const ask = (question: string, answer: { given: boolean; flag: string }) => {
    view.pause();
    return askConfirm(redact(question), { ...answer, canAsk, signal: io.signal });
  };
  return command.run({
    ...words,
    ctx,
    cwd,
    streams: {
      stdinIsTty: terminal.isTty.stdin,
      stdoutIsTty: terminal.isTty.stdout,
      write: (stream, chunk) => {
        view.pause();
        terminal[stream].write(chunk);
      },
    },
    confirm: (question) => ask(question, { given: call.globals.yes, flag: '--yes' }),
    show: terminal.isTty.stderr
      ? (lines) => {
          view.pause();
          terminal.stderr.write(`${lines.join('\n')}\n`);
        }
      : undefined,
    askPassword: (wanted) =>
      askPassword(terminal, wanted, { signal: io.signal, pause: () => view.pause() }),
    trust: {
      given: call.globals.trust,
      ask: canAsk ? (question) => ask(question, { given: false, flag: '--trust' }) : undefined,
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
  if (lines.length > 0) terminal.stdout.write(`${withoutControls(lines.join('\n'))}\n`);
}

/** Milliseconds since this process began. */
function elapsed(): number {
  return Math.round(performance.now());
}

/** An abort shows up as all kinds of errors below; the user is told what ended the command. */
function whatEnded(error: unknown, signal: AbortSignal): unknown {
  const { reason } = signal;
  if (!signal.aborted || error === reason || !isCloneboxError(reason)) return error;
  return new CloneboxError(reason.code, reason.message, { cause: error });
}
