import type { Ctx } from '../../core/ctx.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { FoundSecret, SecretReference } from '../../core/secrets.ts';
import { operation } from '../operation.ts';

export type Asking = Pick<VmPlan, 'name' | 'secretOptions' | 'project'>;

/**
 * Fetches secrets for a VM, one after the other, in their order. Each access is in the audit log by its name, the ones
 * that failed too. Fails with `refused` for one that is nowhere, `host-unable` for a provider that does not answer.
 */
export async function findSecrets<T extends SecretReference>(
  ctx: Ctx,
  plan: Asking,
  references: readonly T[],
): Promise<(FoundSecret & { readonly reference: T })[]> {
  if (references.length === 0) return [];
  const resolver = await ctx.openSecrets(plan);
  const target = { type: 'vm', name: plan.name } as const;
  const all = [];
  for (const reference of references) {
    const { name, provider, key } = reference;
    const found = await operation(ctx, { event: 'secret.access', target }, async (op) => {
      op.note({ name, provider });
      const one = await resolver.resolve({ name, provider, key }, op.ctx.io);
      op.note({ provider: one.provider });
      return one;
    });
    all.push({ ...found, reference });
  }
  return all;
}
