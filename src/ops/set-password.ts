import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import type { Secret } from '../core/secret.ts';
import type { PasswordChange } from '../core/setup.ts';
import { withDeadline } from '../lib/deadline.ts';
import { requireRunning } from './exec.ts';
import { changeVm, type Operation, operation } from './operation.ts';
import { loadVm, named } from './target.ts';

export interface SetPasswordInput {
  readonly target: string | undefined;
  readonly cwd: string;
  /** It must be changed at the first login with it. */
  readonly expire: boolean;
  /** Where it comes from, asked once the VM is known to run; without it, the password is taken away. */
  readonly password: (() => Promise<Secret>) | undefined;
}

export interface PasswordSet {
  readonly vm: VmName;
  readonly user: string;
  readonly outcome: 'set' | 'locked';
  /** It must be changed at the first login with it. */
  readonly expired: boolean;
}

/** Milliseconds that a guest may take to answer; one that boots is waited for. */
const patience = 120_000;

/**
 * Gives the guest's user a password for the console and for programs that ask for one, or takes it away. Whether ssh takes
 * passwords is left as it is. The hash waits in the guest's memory until it is decided that it is set, so that nothing of
 * it is here. Fails with `conflict` when the VM does not run, `guest-failed` when it does not answer.
 */
export function setPassword(ctx: Ctx, input: SetPasswordInput): Promise<PasswordSet> {
  const isLock = input.password === undefined;
  const event = isLock ? 'auth.password.removed' : 'auth.password.changed';
  return operation(ctx, { event, target: named(input.target) }, async (op) => {
    const record = await loadVm(op.ctx, input.target, input.cwd);
    op.about({ type: 'vm', name: record.name });
    await requireRunning(op.ctx, record);
    const { name: user } = record.plan.user;
    const expire = !isLock && input.expire;
    op.note({ user, ...(!isLock && { expire }) });
    const password = await input.password?.();
    await changePassword(op, record.name, { user, password, expire });
    return { vm: record.name, user, outcome: isLock ? 'locked' : 'set', expired: expire };
  });
}

/** Nobody waits for somebody who types while the VM is locked: it is known by now. */
function changePassword(
  op: Operation,
  name: VmName,
  { user, password, expire }: Omit<PasswordChange, 'ssh'>,
): Promise<void> {
  const silent = () =>
    new CloneboxError('guest-failed', `the guest of ${name} does not answer`, {
      hint: `Look at its console: clonebox console ${name}; or start it anew: clonebox restart ${name}`,
      facts: { vm: name },
    });
  const { setup } = op.ctx;
  return changeVm(op, name, async (journal) => {
    await requireRunning(op.ctx, await loadVm(op.ctx, name, '/'));
    const io = withDeadline(op.ctx.io, patience, silent);
    const guest = await op.ctx.openGuest(name);
    try {
      await guest.waitReady(io);
      await journal.step('its password', { kind: 'drop-password', name }, () =>
        setup.preparePassword(guest, { user, password }, io),
      );
      const finish = { kind: 'set-password', name, user, expire } as const;
      await journal.finish('in its place', finish, () =>
        setup.applyPassword(guest, { user, expire, ssh: false }, io),
      );
    } finally {
      io.dispose();
      await guest.close();
    }
  });
}
