import type { Reach } from '../config/reach.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { TrustEntry } from '../core/store.ts';
import { printable } from '../lib/printable.ts';
import { sha256 } from '../lib/sha256.ts';
import { operation } from './operation.ts';

/** How a project that reaches outside its directory may be let through: by a flag, or by whoever can be asked. */
export interface TrustChoice {
  readonly given: boolean;
  /** `undefined` where nobody can answer. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

/** Nobody is asked, and nothing was said. */
export const noTrust: TrustChoice = { given: false, ask: undefined };

/**
 * Lets a plan through that reaches outside its project, once it was confirmed; that is remembered for as long as it
 * reaches for the same. Fails with `refused` when nobody confirms it.
 */
export async function requireTrust(
  ctx: Ctx,
  { plan, reach }: { plan: VmPlan; reach: readonly Reach[] },
  choice: TrustChoice,
): Promise<void> {
  if (reach.length === 0 || plan.project === undefined) return;
  const entry = trustEntry({ ...plan, project: plan.project }, reach);
  if (await ctx.store.isTrusted(entry)) return;
  const list = reach.map(({ what, value }) => `  ${what}: ${printable(value, 4096)}`).join('\n');
  const says = `${plan.configFile} reaches outside its project:\n${list}`;
  if (!choice.given && !(await choice.ask?.(`${says}\nDo you trust it with these?`))) {
    throw new CloneboxError('refused', says, {
      hint: 'If you trust it with these, say so: --trust',
      facts: { reach },
    });
  }
  const target = { type: 'config', name: plan.configFile ?? plan.project } as const;
  await operation(ctx, { event: 'config.trust', target }, async (op) => {
    op.note({ reach });
    await op.ctx.store.rememberTrust(entry, op.ctx.io);
  });
}

/** The parts of a plan that say what is asked of this host. */
type Asked = Pick<
  VmPlan,
  'egress' | 'allow' | 'hostPorts' | 'ports' | 'shares' | 'secrets' | 'secretOptions'
>;

/** What is remembered of a confirmed reach: it changes with anything that is named, and with all else that is asked. */
export function trustEntry(
  plan: Asked & { readonly project: string },
  reach: readonly Reach[],
): TrustEntry {
  const lines = reach.map(({ what, value }) => JSON.stringify([what, value])).toSorted();
  const { egress, allow, hostPorts, shares, secrets, secretOptions } = plan;
  const ports = plan.ports.filter(({ host }) => host !== undefined);
  const asked = { egress, allow, hostPorts, ports, shares, secrets, secretOptions };
  return { project: plan.project, digest: sha256([...lines, stableJson(asked)].join('\n')) };
}

/** The same text for the same content, in whatever order its keys were written. */
function stableJson(content: unknown): string {
  return JSON.stringify(content, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
