import { randomUUID } from 'node:crypto';
import type { Ctx } from '../core/ctx.ts';
import { egressVariables } from '../core/egress.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { VmRecord } from '../core/record.ts';
import { shellQuote } from '../lib/quote.ts';
import { operation } from './operation.ts';
import { loadVm, named } from './target.ts';

export interface ExecInput {
  readonly target: string | undefined;
  readonly cwd: string;
  readonly argv: readonly string[];
  /** `root` or the guest user, which is the default. */
  readonly as: string | undefined;
  /** Directory in the guest; the project's by default. */
  readonly guestCwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  /** A terminal is wanted: goes over ssh. */
  readonly tty: boolean;
  /** Standard input is a pipe or file to be passed on: goes over ssh. */
  readonly stdin: boolean;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
}

/**
 * Runs argv in the guest, each word exactly as given, in the project's directory, and returns its status. Without
 * terminal or input it goes over the agent, which costs no login; else over the pinned ssh. A timeout or Ctrl-C ends
 * the process group in the guest. Fails with `conflict` when the VM does not run.
 */
export function exec(ctx: Ctx, input: ExecInput): Promise<number> {
  const begin = { event: 'vm.exec', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const record = await loadVm(op.ctx, input.target, input.cwd);
    op.about({ type: 'vm', name: record.name });
    // Its words may hold anything; which program it was is enough to know.
    op.note({ program: input.argv[0], as: input.as ?? record.plan.user.name });
    const status = await execIn(op.ctx, record, input);
    op.note({ status });
    return status;
  });
}

async function execIn(ctx: Ctx, record: VmRecord, input: ExecInput): Promise<number> {
  await requireRunning(ctx, record);
  const user = input.as ?? record.plan.user.name;
  const cwd = input.guestCwd ?? record.plan.directory;
  const out = record.plan.egress === 'allowlist' ? egressVariables : {};
  const env = { ...out, ...record.plan.environment, ...input.env };
  if (input.tty || input.stdin)
    return overSsh(ctx, record, { ...input, user, env, directory: cwd });
  const guest = await ctx.openGuest(record.name);
  try {
    const result = await guest.exec(input.argv, ctx.io, {
      user,
      env,
      cwd,
      ...(input.timeout !== undefined && { timeout: input.timeout }),
      onOutput: input.onOutput,
    });
    return result.exitCode;
  } catch (error) {
    if (isCloneboxError(error, 'guest-failed') && error.message.startsWith('the guest is lost')) {
      throw new CloneboxError('transport-lost', error.message, { hint: error.hint, cause: error });
    }
    throw error;
  } finally {
    await guest.close();
  }
}

async function overSsh(
  ctx: Ctx,
  record: VmRecord,
  options: ExecInput & { user: string; directory: string },
): Promise<number> {
  const id = randomUUID();
  const variables = Object.entries(options.env);
  const file = variables.length === 0 ? undefined : `/run/clonebox-env-${id}`;
  if (file !== undefined) await putVariables(ctx, record, { ...options, file });
  const words = [
    ...['env', `--chdir=${options.directory}`, '--', `${marker}=${id}`],
    ...(file === undefined ? [] : ['sh', '-c', withVariables, 'sh', file]),
    ...options.argv,
  ];
  // ssh hands one string to the login shell of the guest: every word is quoted for it.
  const limit =
    options.timeout === undefined ? [] : ['timeout', '--kill-after=5', `${options.timeout / 1000}`];
  const argv = await ctx.sshCommand(record, { tty: options.tty, user: options.user });
  const status = await ctx.host.runAttached(
    [...argv, [...limit, ...words].map(shellQuote).join(' ')],
    ctx.io,
  );
  if (ctx.io.signal.aborted) await inGuest(ctx, record, [endMarked, `${marker}=${id}`]);
  // ssh's own status: the command may never have begun.
  if (file !== undefined && (status === 255 || ctx.io.signal.aborted))
    await inGuest(ctx, record, ['rm -f -- "$1"', file]);
  if (status === 124 && options.timeout !== undefined) {
    throw new CloneboxError(
      'deadline',
      `the command did not end within ${options.timeout} ms and was killed`,
    );
  }
  return status;
}

/** Takes its environment from a file, which is gone then, and becomes the command. */
const withVariables = '. "$1"; rm -f -- "$1"; shift; exec "$@"';

/**
 * Puts variables into a file in the guest's memory that one user may read. Everybody on this host sees the arguments of ssh,
 * and everybody in the guest those of `env`.
 */
async function putVariables(
  ctx: Ctx,
  record: VmRecord,
  { env, user, file }: { env: Readonly<Record<string, string>>; user: string; file: string },
): Promise<void> {
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  const script = 'umask 077; cat >"$1" && chown -- "$2" "$1"';
  const guest = await ctx.openGuest(record.name);
  try {
    const options = { stdin: lines.join('') };
    const result = await guest.exec(['sh', '-c', script, 'sh', file, user], ctx.io, options);
    if (result.exitCode === 0) return;
    throw new CloneboxError(
      'guest-failed',
      `the environment of ${user} could not be set: ${result.stderr.trim()}`,
      { hint: 'Is there such a user in the guest, and room in its /run?', facts: { user } },
    );
  } finally {
    await guest.close();
  }
}

/** Names the processes of one `exec` over ssh, so that an interrupt here can end them there. */
const marker = 'CLONEBOX_EXEC';

/** sshd leaves a command without a terminal running when its client goes: it is ended over the agent. */
const endMarked =
  'for p in /proc/[0-9]*; do grep -qsz "^$1$" $p/environ && kill -s TERM "$(basename $p)"; done; true';

/** What is to be tidied up in the guest, if it can be. */
async function inGuest(
  ctx: Ctx,
  record: VmRecord,
  [script, word]: readonly [string, string],
): Promise<void> {
  const guest = await ctx.openGuest(record.name);
  try {
    const io = { ...ctx.io, signal: AbortSignal.timeout(20_000) };
    await guest.exec(['sh', '-c', script, 'sh', word], io);
  } catch (error) {
    ctx.io.log.warn('vm.exec.left', { vm: record.name, reason: reasonOf(error) });
  } finally {
    await guest.close();
  }
}

/** Opens a shell in the guest, or runs one command line there. Returns the guest's status. */
export function ssh(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; argv: readonly string[]; tty: boolean },
): Promise<number> {
  const begin = { event: 'vm.login', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const { host, io } = op.ctx;
    const record = await loadVm(op.ctx, input.target, input.cwd);
    op.about({ type: 'vm', name: record.name });
    op.note({ via: 'ssh' });
    await requireRunning(op.ctx, record);
    const argv = await op.ctx.sshCommand(record, { tty: input.tty });
    const shell = [`cd ${shellQuote(record.plan.directory)} && exec "$SHELL" -l`];
    return host.runAttached([...argv, ...(input.argv.length > 0 ? input.argv : shell)], io);
  });
}

/** Fails with `conflict` unless the VM's machine runs. A kept failed VM whose machine runs is good enough. */
export async function requireRunning(ctx: Ctx, record: VmRecord): Promise<void> {
  const driver = await ctx.driver(record.plan.driver);
  const state = await driver.inspect(record.name, ctx.io);
  if (state.kind === 'running' || state.kind === 'starting') return;
  throw new CloneboxError('conflict', `${record.name} is ${state.kind}`, {
    hint: `Start it: clonebox start ${record.name}`,
    facts: { vm: record.name, state: state.kind },
  });
}
