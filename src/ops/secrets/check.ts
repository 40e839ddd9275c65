import type { Ctx } from '../../core/ctx.ts';
import { isCloneboxError, reasonOf } from '../../core/errors.ts';
import type { SecretReference } from '../../core/secrets.ts';
import { requireTrust, type TrustChoice } from '../trust.ts';
import { type Asking, findSecrets } from './find-secrets.ts';
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
    checks.push(await checkOne(ctx, plan, secret));
  }
  return checks;
}

async function checkOne(ctx: Ctx, plan: Asking, secret: SecretReference): Promise<SecretCheck> {
  const { name } = secret;
  try {
    const [found] = await findSecrets(ctx, plan, [secret]);
    const { provider = null, where = null } = found ?? {};
    const size = found?.secret.bytes().length ?? null;
    return { name, found: true, provider, where, size, problem: null };
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    if (!isCloneboxError(error)) throw error;
    const problem = reasonOf(error);
    return { name, found: false, provider: null, where: null, size: null, problem };
  }
}
