import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { withDeadline } from '../lib/deadline.ts';
import { parsePasswd } from './accounts.ts';
import { guestExecBrief } from './agent-brief.ts';
import type { GuestAccount } from './agent-command.ts';
import { guestExec } from './agent-exec.ts';
import { readGuestFile, readGuestFiles, writeGuestFile } from './agent-files.ts';
import { AgentSession } from './agent-session.ts';

/** The guest behind an agent socket. Opens at the first use; `close` when done. */
export function openAgent(host: Host, socketPath: string): Guest {
  const session = new AgentSession(host, socketPath);
  const accounts = new Map<string, GuestAccount>();

  const accountOf = async (user: string | undefined, io: Io): Promise<GuestAccount | undefined> => {
    if (user === undefined || user === 'root') return undefined;
    const known = accounts.get(user);
    if (known !== undefined) return known;
    const passwd = await readGuestFile(session, '/etc/passwd', io);
    const account = parsePasswd(Buffer.from(passwd ?? []).toString('utf8')).find(
      (entry) => entry.name === user,
    );
    if (account === undefined) {
      throw new CloneboxError('guest-failed', `there is no user ${user} in the guest`, {
        facts: { user },
      });
    }
    accounts.set(user, account);
    return account;
  };

  return {
    waitReady: (io) => session.sync(io.signal, io),
    ping: async (io, timeout) => {
      const limited = withDeadline(io, timeout, () => new Error('no answer'));
      try {
        await session.sync(limited.signal, { ...io, signal: limited.signal });
        return true;
      } catch {
        io.signal.throwIfAborted();
        return false;
      } finally {
        limited.dispose();
      }
    },
    exec: async (argv, io, options = {}) =>
      (options.brief ? guestExecBrief : guestExec)(session, argv, {
        ...options,
        host,
        io,
        account: await accountOf(options.user, io),
      }),
    readFile: (path, io) => readGuestFile(session, path, io),
    readFiles: (paths, io) => readGuestFiles(session, paths, io),
    // Nanoseconds, more than a number holds to the last digit: what is lost is less than a microsecond.
    time: async (io) => (await session.call('guest-get-time', z.number(), { io })) / 1e6,
    writeFile: async (path, content, io) => {
      if (!(await writeGuestFile(session, path, { content, io }))) {
        throw new CloneboxError(
          'guest-failed',
          `${path} cannot be written in the guest: no such directory`,
        );
      }
    },
    shutdown: (mode, io) => session.tell('guest-shutdown', { mode }, io),
    close: () => session.end(),
  };
}
