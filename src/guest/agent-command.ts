import * as z from 'zod';

/** The agent's answers: that a command has begun, and how it stands. */
export const Started = z.looseObject({ pid: z.number() });
export const CommandStatus = z.looseObject({
  exited: z.boolean(),
  exitcode: z.number().optional(),
  signal: z.number().optional(),
  'out-data': z.string().optional(),
  'err-data': z.string().optional(),
});
export type CommandStatus = z.infer<typeof CommandStatus>;

/** As a shell has it: 128 and the signal for one that was ended by it. */
export function statusOf({ signal, exitcode }: CommandStatus): number {
  return signal === undefined ? (exitcode ?? 0) : 128 + signal;
}

/** What `user` means in the guest: looked up once there, since an image may have its own ids. */
export interface GuestAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The command as that account runs it; without one the agent's own, root. */
export function asAccount(account: GuestAccount | undefined, argv: readonly string[]): string[] {
  if (account === undefined) return [...argv];
  const { uid, gid } = account;
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', ...argv];
}

export function homeIn(account: GuestAccount | undefined): string {
  return account?.home ?? '/root';
}

const basePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `NAME=VALUE` of what a command of that account has, `more` over it. */
export function environmentOf(
  account: GuestAccount | undefined,
  more: Readonly<Record<string, string>> | undefined,
): string[] {
  const environment: Record<string, string> = {
    PATH: basePath,
    HOME: homeIn(account),
    USER: account?.name ?? 'root',
    LOGNAME: account?.name ?? 'root',
    SHELL: account?.shell ?? '/bin/sh',
    LANG: 'C.UTF-8',
    ...more,
  };
  return Object.entries(environment).map(([key, value]) => `${key}=${value}`);
}
