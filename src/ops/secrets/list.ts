import type { Ctx } from '../../core/ctx.ts';
import type { VmPlan } from '../../core/plan.ts';
import { type LoadedPlan, loadPlan } from '../load-plan.ts';
import { findTarget, loadVm } from '../target.ts';
import { type SecretLine, secretLine } from './secret-line.ts';

export interface SecretInput {
  readonly target: string | undefined;
  readonly cwd: string;
}

/** The secrets that a VM gets, or that the file of a project without one asks for. None is fetched. */
export async function listSecrets(ctx: Ctx, input: SecretInput): Promise<SecretLine[]> {
  const { plan } = await planWithSecrets(ctx, input);
  return plan.secrets.map(secretLine);
}

/**
 * The plan that a VM was made from: somebody let that through. Of a project without a VM that of its file, which nobody
 * may have confirmed: then it is `loaded`, too.
 */
export async function planWithSecrets(
  ctx: Ctx,
  { target, cwd }: SecretInput,
): Promise<{ plan: VmPlan; loaded: LoadedPlan | undefined }> {
  const found = await findTarget(ctx, target, cwd);
  if (found.kind === 'name' || found.existing !== undefined) {
    const { plan } = await loadVm(ctx, target, cwd);
    return { plan, loaded: undefined };
  }
  const loaded = await loadPlan(ctx, found, { overrides: {}, mustExist: true });
  return { plan: loaded.plan, loaded };
}
