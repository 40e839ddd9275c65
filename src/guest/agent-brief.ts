import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { GuestExecOptions, GuestResult } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { quietIo } from '../core/quiet-io.ts';
import {
  asAccount,
  CommandStatus,
  environmentOf,
  type GuestAccount,
  Started,
  statusOf,
} from './agent-command.ts';
import type { AgentSession } from './agent-session.ts';

/** Runs a `brief` command: the agent starts it itself and holds what it says, 16 MiB of each stream at most. */
export async function guestExecBrief(
  session: AgentSession,
  argv: readonly string[],
  options: GuestExecOptions & { host: Host; io: Io; account: GuestAccount | undefined },
): Promise<GuestResult> {
  const { host, io, account, timeout = Number.POSITIVE_INFINITY } = options;
  const [path = '', ...arg] = asAccount(account, argv);
  const env = environmentOf(account, options.env);
  const { pid } = await session.call('guest-exec', Started, {
    args: { path, arg, env, 'capture-output': true },
    io,
  });
  const began = host.now();
  try {
    for (;;) {
      const status = await session.call('guest-exec-status', CommandStatus, { args: { pid }, io });
      if (status.exited) {
        const stdout = textOf(status['out-data']);
        const stderr = textOf(status['err-data']);
        return { exitCode: statusOf(status), stdout, stderr, truncated: false };
      }
      if (host.now() - began > timeout) {
        throw new CloneboxError(
          'deadline',
          `the command did not end within ${timeout} ms and was killed`,
        );
      }
      await host.sleep(25, io.signal);
    }
  } catch (error) {
    const last = quietIo(AbortSignal.timeout(10_000));
    const args = { path: '/bin/kill', arg: ['-s', 'KILL', '--', String(pid)] };
    await session.call('guest-exec', z.unknown(), { args, io: last }).catch(() => {});
    throw error;
  }
}

function textOf(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString('utf8');
}
