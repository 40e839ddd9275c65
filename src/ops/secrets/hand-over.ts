import type { Ctx } from '../../core/ctx.ts';
import type { SecretValue } from '../../core/secrets.ts';
import type { SetupInput } from '../../core/setup.ts';
import { findSecrets } from './find-secrets.ts';

/**
 * Fetches the secrets of a VM and hands them to its running guest, into memory. It is the last thing before the guest
 * counts as ready, and the first after its memory was restored, so that a secret that was changed meanwhile is the new
 * one. May be repeated.
 */
export async function handOverSecrets(ctx: Ctx, setup: SetupInput): Promise<void> {
  await deliver(ctx, setup, await fetchSecrets(ctx, setup));
}

/** The first half of it: the guest hears nothing yet. */
export async function fetchSecrets(ctx: Ctx, { plan }: SetupInput): Promise<SecretValue[]> {
  const found = await findSecrets(ctx, plan, plan.secrets);
  return found.map(({ reference, secret }) => ({ planned: reference, value: secret }));
}

/** The second half. */
export async function deliver(
  ctx: Ctx,
  setup: SetupInput,
  values: readonly SecretValue[],
): Promise<void> {
  await ctx.setup.deliverSecrets(setup, values, ctx.io);
}

/** Takes them away, before the memory of a running guest is kept. `handOverSecrets` puts them back. */
export async function takeSecretsAway(ctx: Ctx, setup: SetupInput): Promise<void> {
  await ctx.setup.removeSecrets(setup, ctx.io);
}
