import type { Ctx } from '../../core/ctx.ts';
import { type VmName, waitsFor } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { VmRecord } from '../../core/record.ts';
import type { Template, WarmState } from '../../core/template.ts';

/** What a machine of the pool must fit to be claimed: a plan, and what a clone of it begins from. */
export interface Wanted {
  readonly plan: VmPlan;
  readonly template: Pick<Template, 'key'>;
  readonly warm: Pick<WarmState, 'key'>;
}

/** The machines of the pool that wait for a VM of this name, or all; those without a readable record are left out. */
export async function readMembers(ctx: Ctx, vm?: VmName): Promise<VmRecord[]> {
  const names = (await ctx.store.members()).filter((name) => !vm || waitsFor(name) === vm);
  const records = await Promise.all(
    names.map((name) => ctx.store.read(name).catch(() => undefined)),
  );
  return records.filter((record) => record !== undefined);
}

/** Those of them that run and wait. */
export async function waitingMembers(ctx: Ctx, vm?: VmName): Promise<VmRecord[]> {
  const members = await readMembers(ctx, vm);
  const waiting = await Promise.all(members.map((member) => isWaiting(ctx, member)));
  return members.filter((_, index) => waiting[index]);
}

/** Whether a machine of the pool is whole and runs. */
export async function isWaiting(ctx: Ctx, member: VmRecord): Promise<boolean> {
  if (member.phase !== 'pooled') return false;
  const driver = await ctx.driver(member.plan.driver);
  return (await driver.running(member.name)) !== undefined;
}

/** Whether a machine of the pool can become a VM of this plan. */
export async function fits(ctx: Ctx, member: VmRecord, wanted: Wanted): Promise<boolean> {
  const { plan, template, warm } = wanted;
  if (!isLike(member.plan, plan)) return false;
  if (member.template?.key !== template.key || member.template.warm !== warm.key) return false;
  if (!(await isWaiting(ctx, member))) return false;
  const driver = await ctx.driver(plan.driver);
  const shared = liveShares(plan).map(({ host }) => host);
  return (await driver.memory?.holds(member.name, shared)) ?? false;
}

/** What a machine was started with, and cannot be changed while it runs; the rest is in the shape of its memory. */
function isLike(one: VmPlan, other: VmPlan): boolean {
  const fixed = (plan: VmPlan) => {
    const { name, project, driver, accel } = plan;
    return JSON.stringify([name, project, driver, accel, memberMode(plan), liveShares(plan)]);
  };
  return fixed(one) === fixed(other);
}

/** How a machine of the pool holds its memory: as few bytes as can be, unless the plan says otherwise. */
export function memberMode({ memoryMode }: VmPlan): 'own' | 'shared' {
  return memoryMode === 'own' ? 'own' : 'shared';
}

function liveShares({ shares }: VmPlan) {
  return shares
    .filter(({ mode }) => mode !== 'copy')
    .map(({ host, mode }) => ({ host, readOnly: mode === 'ro' }));
}
