import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import type { PasswordOwner } from '../core/store.ts';
import { settleInGuest } from './reach-guest.ts';

/** Takes a password away that waits in a guest to be set. What is in the memory of a guest that is off is gone. */
export async function dropPassword(ctx: Ctx, name: VmName): Promise<void> {
  await settleInGuest(ctx, name, ({ guest }, io) => ctx.setup.dropPassword(guest, io));
}

/** Sets the password that waits in a guest, after a crash. May be repeated; says so when the guest could not be asked. */
export async function finishPassword(
  ctx: Ctx,
  { name, user, expire }: PasswordOwner & { name: VmName },
): Promise<void> {
  const isDone = await settleInGuest(ctx, name, ({ guest }, io) =>
    ctx.setup.applyPassword(guest, { user, expire, ssh: false }, io),
  );
  if (isDone) return;
  const text = `the password of ${user} in ${name} may not have been changed: clonebox set-password ${name}`;
  ctx.io.emit({ kind: 'warning', text });
}
