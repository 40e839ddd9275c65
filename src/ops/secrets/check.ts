import type { Ctx } from '../../core/ctx.ts';
import { isCloneboxError, reasonOf } from '../../core/errors.ts';
import { requireTrust, type TrustChoice } from '../trust.ts';
import { findSecrets } from './find-secrets.ts';
import { planWithSecrets, type SecretInput } from './list.ts';

export interface SecretCheck {
  readonly name: string;
  readonly found: boolean;
  /** The provider that has it, and where; `null` when nobody could be asked. */
  readonly provider: string | null;
  readonly where: string | null;
  /** Bytes. */
  readonly size: number | null;
  /** Why there is none, or why it could not be asked for. */
  readonly problem: string | null;
}

/**
 * Fetches each secret of a VM or a project and says where it is, never what it is. Every one is tried, whatever becomes
 * of the others. A project's file must be trusted: it says whom to ask, and with whose token.
 */
export async function checkSecrets(
  ctx: Ctx,
  input: SecretInput & { trust: TrustChoice },
): Promise<SecretCheck[]> {
  const { plan, loaded } = await planWithSecrets(ctx, input);
  if (loaded !== undefined) await requireTrust(ctx, loaded, input.trust);
  const checks: SecretCheck[] = [];
  for (const secret of plan.secrets) {
    checks.push(await checkOne(ctx, { ...plan, secrets: [secret] }));
  }
  return checks;
}

async function checkOne(ctx: Ctx, plan: Parameters<typeof findSecrets>[1]): Promise<SecretCheck> {
  const name = plan.secrets[0]?.name ?? '';
  try {
    const [found] = await findSecrets(ctx, plan);
    const { provider = null, where = null } = found ?? {};
    const size = found?.secret.bytes().length ?? null;
    return { name, found: true, provider, where, size, problem: null };
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    if (!isCloneboxError(error)) throw error;
    return {
      name,
      found: false,
      provider: null,
      where: null,
      size: null,
      problem: reasonOf(error),
    };
  }
}
