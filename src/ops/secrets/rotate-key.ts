import type { Ctx } from '../../core/ctx.ts';
import type { Io } from '../../core/io.ts';
import type { VmName } from '../../core/name.ts';
import type { SetupInput } from '../../core/setup.ts';
import { settleInGuest } from '../reach-guest.ts';

// `next-key` is there from the making of a key until the guest lets in no other: with a key pair in it that is not in its
// place yet, or empty when only the guest has not heard of it.

/** Lets in the key that is in its place, and no other of the VM's, after a crash. The plan's own stay. */
export async function syncKeys(ctx: Ctx, name: VmName): Promise<void> {
  await settleInGuest(ctx, name, (inside, io) => letInOne(ctx, inside, io));
}

/** Brings a rotation to its end, from whatever point it had come to. */
export async function finishRotation(ctx: Ctx, name: VmName): Promise<void> {
  await putInPlace(ctx, name);
  const isDone = await settleInGuest(ctx, name, (inside, io) => closeRotation(ctx, inside, io));
  const record = await ctx.store.read(name).catch(() => undefined);
  const warn = (text: string) => ctx.io.emit({ kind: 'warning', text });
  if (!isDone)
    warn(`${name} has a new ssh key, and lets in the old one, too, until its next start`);
  if ((record?.plan.secrets.length ?? 0) > 0)
    warn(`the secrets of ${name} may not be fetched anew: clonebox secret rotate ${name}`);
}

/**
 * Moves the key that was made into its place. ssh goes by the public half where there is one, so that this is away while
 * the private one is changed: at each moment the key that is there logs in. May be repeated.
 */
export async function putInPlace(ctx: Ctx, name: VmName): Promise<void> {
  const { files } = ctx.host;
  const paths = ctx.store.paths.vm(name);
  const fresh = `${paths.nextKey}/key`;
  if ((await files.facts(fresh)) !== undefined) {
    await files.remove(paths.publicKey);
    await files.rename(fresh, paths.key);
  }
  if ((await files.facts(`${fresh}.pub`)) !== undefined) {
    await files.rename(`${fresh}.pub`, paths.publicKey);
  }
}

/** Lets the old key in no more, where a rotation has left that to be done. May be repeated. */
export async function closeRotation(ctx: Ctx, inside: SetupInput, io: Io): Promise<void> {
  const { nextKey } = ctx.store.paths.vm(inside.record.name);
  if ((await ctx.host.files.facts(nextKey)) === undefined) return;
  await letInOne(ctx, inside, io);
  await ctx.host.files.remove(nextKey);
}

async function letInOne(ctx: Ctx, inside: SetupInput, io: Io): Promise<void> {
  const text = await ctx.host.files.readText(ctx.store.paths.vm(inside.record.name).publicKey);
  const key = (text ?? '').trim();
  // Better two keys than none.
  if (key !== '') await ctx.setup.authorize(inside, [key], io);
}
