import { randomBytes } from 'node:crypto';
import { CloneboxError } from '../core/errors.ts';
import type { GuestExecOptions, GuestResult } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { quietIo } from '../core/quiet-io.ts';
import { withDeadline } from '../lib/deadline.ts';
import {
  asAccount,
  CommandStatus,
  environmentOf,
  type GuestAccount,
  homeIn,
  Started,
  statusOf,
} from './agent-command.ts';
import { closeGuestFile, writeGuestFile } from './agent-files.ts';
import type { AgentSession } from './agent-session.ts';
import { atOnce, copyRest, copyStream, openStream } from './agent-streams.ts';

/** Where the guest keeps the streams of commands while they run: a tmpfs that only root reads. */
const scratch = '/run/clonebox';

/**
 * Joins the streams to files, so that output can be read while the command runs and a daemon it leaves behind does
 * not hold it up; then becomes the command, in a session of its own that can be killed as a whole. A file of input goes
 * as soon as it is open: it may be a secret, and whoever wrote it may die.
 * Parameters: stdout, stderr, stdin or nothing for that of the agent, directory, argv.
 */
const launcher =
  'o=$1 e=$2 i=$3 d=$4; shift 4; umask 022; exec >>"$o" 2>>"$e"; [ -z "$i" ] || exec <"$i"; case $i in *.in) rm -f -- "$i";; esac; cd -- "$d" || exit 126; exec setsid -- "$@"';

/** Bytes of input that the agent hands to a command by itself, so that they are in no file. */
const inOneMessage = 128 * 1024;

/** Milliseconds for which a guest may keep us beyond the time of a command. */
const patience = 5000;

/** Milliseconds for which a stream is read between two looks: it may come a byte at a time. */
const atOnceTime = 1000;

/** Runs argv in the guest, exactly as given, and returns its streams and status. */
export async function guestExec(
  session: AgentSession,
  argv: readonly string[],
  options: GuestExecOptions & { host: Host; io: Io; account: GuestAccount | undefined },
): Promise<GuestResult> {
  const { account, timeout = Number.POSITIVE_INFINITY } = options;
  // The time of a command is its own; what it takes to begin it may be a little more.
  using io = withDeadline(options.io, timeout + patience, () => late(timeout));
  const timed = { ...options, io };
  const base = `${scratch}/exec-${randomBytes(6).toString('hex')}`;
  const given = options.stdin === undefined ? undefined : Buffer.from(options.stdin as Uint8Array);
  const isShort = given !== undefined && given.length > 0 && given.length <= inOneMessage;
  const input = isShort ? '' : given === undefined ? '/dev/null' : `${base}.in`;
  await ensureScratch(session, base, { host: options.host, io });
  if (given !== undefined && !isShort) await writeGuestFile(session, input, { content: given, io });
  const streams = [
    await openStream(session, { path: `${base}.out`, name: 'stdout', options: timed }),
    await openStream(session, { path: `${base}.err`, name: 'stderr', options: timed }),
  ] as const;
  const [stdout, stderr] = streams;
  const { pid } = await session.call('guest-exec', Started, {
    args: {
      path: '/bin/sh',
      arg: [
        '-c',
        launcher,
        'clonebox',
        `${base}.out`,
        `${base}.err`,
        input,
        options.cwd ?? homeIn(account),
        ...asAccount(account, argv),
      ],
      env: environmentOf(account, options.env),
      ...(isShort && { 'input-data': given.toString('base64') }),
      'capture-output': false,
    },
    io,
  });
  const drain = async () => {
    const until = options.host.now() + atOnceTime;
    const mayGoOn = () => options.host.now() < until;
    for (const stream of streams)
      await copyStream(session, stream, { io, mayGoOn, atMost: atOnce });
  };
  try {
    const status = await waitForEnd(session, pid, { ...timed, drain });
    await copyRest(session, streams, options);
    return {
      exitCode: statusOf(status),
      stdout: stdout.sink.text(),
      stderr: stderr.sink.text(),
      truncated: stdout.sink.truncated() || stderr.sink.truncated(),
    };
  } finally {
    await tidy(session, [stdout.handle, stderr.handle], base).catch((error: unknown) =>
      io.log.debug('guest.exec.untidy', { error }),
    );
  }
}

function late(timeout: number): CloneboxError {
  return new CloneboxError(
    'deadline',
    `the command did not end within ${timeout} ms and was killed`,
  );
}

async function waitForEnd(
  session: AgentSession,
  pid: number,
  options: { host: Host; io: Io; timeout?: number; drain: () => Promise<void> },
): Promise<CommandStatus> {
  const { host, io, timeout = Number.POSITIVE_INFINITY } = options;
  const started = host.now();
  try {
    for (;;) {
      const left = timeout - (host.now() - started);
      if (left < 0) throw late(timeout);
      // An agent that does not answer, or answers other things, does not keep us longer than that.
      using asked = withDeadline(io, left, () => late(timeout));
      const args = { pid };
      const status = await session.call('guest-exec-status', CommandStatus, { args, io: asked });
      if (status.exited) return status;
      await options.drain();
      const elapsed = host.now() - started;
      // A long command does not keep others from the agent: between two looks it is anybody's turn.
      if (elapsed > 3000) await session.close();
      await host.sleep(elapsed > 3000 ? 250 : 50, io.signal);
    }
  } catch (error) {
    await killGroup(session, pid);
    throw error;
  }
}

/** Ends the process group of a command: TERM, and KILL for what is left two seconds later. */
async function killGroup(session: AgentSession, pid: number): Promise<void> {
  const io = detached();
  const script = 'kill -s TERM -- "-$1" 2>/dev/null; sleep 2; kill -s KILL -- "-$1" 2>/dev/null';
  await session
    .call('guest-exec', Started, {
      args: { path: '/bin/sh', arg: ['-c', script, 'kill', String(pid)] },
      io,
    })
    .catch(() => {});
}

/** An `Io` for the last words after an abort: ten seconds, no audience. */
const detached = () => quietIo(AbortSignal.timeout(10_000));

async function ensureScratch(
  session: AgentSession,
  base: string,
  options: { host: Host; io: Io },
): Promise<void> {
  if (await writeGuestFile(session, `${base}.out`, { content: '', io: options.io })) return;
  const { pid } = await session.call('guest-exec', Started, {
    args: { path: '/bin/mkdir', arg: ['-m', '0700', '-p', scratch] },
    io: options.io,
  });
  for (;;) {
    const status = await session.call('guest-exec-status', CommandStatus, {
      args: { pid },
      io: options.io,
    });
    if (status.exited) break;
    await options.host.sleep(50, options.io.signal);
  }
  await writeGuestFile(session, `${base}.out`, { content: '', io: options.io });
}

/** The agent has no unlink: a process does it, and nobody waits for it. */
async function tidy(session: AgentSession, handles: number[], base: string): Promise<void> {
  const io = detached();
  for (const handle of handles) await closeGuestFile(session, handle, io);
  await session.call('guest-exec', Started, {
    args: { path: '/bin/rm', arg: ['-f', `${base}.out`, `${base}.err`] },
    io,
  });
}
