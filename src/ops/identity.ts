import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { IdentityBaseline, IdentityReport } from '../core/identity.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import { loadVm } from './target.ts';

export interface VmIdentity extends IdentityReport {
  readonly vm: VmName;
  /** Every item is what it should be, and none is the template's. */
  readonly isRight: boolean;
}

/**
 * Reads from a running VM who it is, item by item, each by another way than it was set. Changes nothing. Fails with
 * `conflict` when the VM does not run.
 */
export async function vmIdentity(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string },
): Promise<VmIdentity> {
  const record = await loadVm(ctx, input.target, input.cwd);
  const { name, plan } = record;
  const driver = await ctx.driver(plan.driver);
  const started = await driver.running(name);
  if (started === undefined) {
    throw new CloneboxError('conflict', `${name} does not run`, {
      hint: `Start it: clonebox start ${name}`,
      facts: { vm: name },
    });
  }
  const guest = await ctx.openGuest(name);
  try {
    const setup = { plan, record, guest, shareDriver: started.shareDriver };
    const known = {
      template: await baselineOf(ctx, record),
      ...(record.template && { machineId: record.uuid.replaceAll('-', '') }),
    };
    const { items } = await ctx.setup.identity(setup, known, ctx.io);
    return { vm: name, isRight: items.every(({ isRight }) => isRight), items };
  } finally {
    await guest.close();
  }
}

/** What the template's machine was, as far as it is still there. */
async function baselineOf(ctx: Ctx, { template }: VmRecord): Promise<IdentityBaseline> {
  if (template?.warm === undefined) return {};
  const stored = await ctx.templates.find(template.key);
  return stored?.warm.find(({ key }) => key === template.warm)?.baseline ?? {};
}
