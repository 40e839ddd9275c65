import type { Ctx } from '../../core/ctx.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { FoundSecret, PlannedSecret } from '../../core/secrets.ts';
import { operation } from '../operation.ts';

export interface Found extends FoundSecret {
  readonly planned: PlannedSecret;
}

/**
 * Fetches every secret of a plan, one after the other. Each access is in the audit log by its name, the ones that failed
 * too. Fails with `refused` for one that is nowhere, `host-unable` for a provider that does not answer.
 */
export async function findSecrets(
  ctx: Ctx,
  plan: Pick<VmPlan, 'name' | 'secrets' | 'secretOptions' | 'project'>,
): Promise<Found[]> {
  if (plan.secrets.length === 0) return [];
  const resolver = await ctx.openSecrets(plan);
  const target = { type: 'vm', name: plan.name } as const;
  const found: Found[] = [];
  for (const planned of plan.secrets) {
    const one = await operation(ctx, { event: 'secret.access', target }, async (op) => {
      op.note({ name: planned.name, provider: planned.provider });
      const secret = await resolver.resolve(planned, op.ctx.io);
      op.note({ provider: secret.provider });
      return secret;
    });
    found.push({ ...one, planned });
  }
  return found;
}
