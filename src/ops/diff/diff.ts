import { changes } from '../../config/changes.ts';
import type { Ctx } from '../../core/ctx.ts';
import { isCloneboxError, reasonOf } from '../../core/errors.ts';
import type { VmName } from '../../core/name.ts';
import type { VmRecord } from '../../core/record.ts';
import { loadPlan } from '../load-plan.ts';
import { loadVm, projectOf } from '../target.ts';
import { type Drift, isDrift } from './drift.ts';
import { packageDrift } from './packages.ts';
import { serviceDrift } from './services.ts';
import { portDrift, shareDrift } from './shares-and-ports.ts';
import { toolDrift } from './tools.ts';

export interface DiffResult {
  readonly vm: VmName;
  readonly drift: readonly Drift[];
  /** What could not be compared, and why. */
  readonly unknown: readonly string[];
}

/** Milliseconds a guest has to answer at all. */
const patience = 5000;

/** Where this workstation, the project's file, the VM's record and its running guest are not the same. Changes nothing. */
export async function diff(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string },
): Promise<DiffResult> {
  const record = await loadVm(ctx, input.target, input.cwd);
  const unknown: string[] = [];
  const sides = [
    ...(await configDrift(ctx, record, unknown)),
    ...(await guestDrift(ctx, record, unknown)),
  ];
  return { vm: record.name, drift: sides.filter(isDrift), unknown };
}

/** What the project's file says now, against what the VM was made from. */
async function configDrift(ctx: Ctx, record: VmRecord, unknown: string[]): Promise<Drift[]> {
  const { project } = record.plan;
  if (project === undefined) return [];
  try {
    const target = await projectOf(ctx, record.name, project);
    const { plan } = await loadPlan(ctx, target, { overrides: { ...record.overrides } });
    return changes(record.plan, plan).map(({ key, from, to }) => ({
      area: 'config',
      name: key,
      workstation: to,
      config: from,
      guest: null,
    }));
  } catch (error) {
    if (!isCloneboxError(error)) throw error;
    unknown.push(`the project's file: ${reasonOf(error).split('\n')[0]}`);
    return [];
  }
}

async function guestDrift(ctx: Ctx, record: VmRecord, unknown: string[]): Promise<Drift[]> {
  const driver = await ctx.driver(record.plan.driver);
  const state = await driver.inspect(record.name, ctx.io);
  if (state.kind !== 'running') {
    unknown.push(`the guest: ${record.name} is ${state.kind}`);
    return [];
  }
  const guest = await ctx.openGuest(record.name);
  try {
    if (!(await guest.ping(ctx.io, patience))) {
      unknown.push('the guest: it does not answer');
      return [];
    }
    return [
      ...(await packageDrift(ctx, guest, record.plan.packages)),
      ...(await toolDrift(ctx, guest, record.plan)),
      ...(await serviceDrift(ctx, guest, record.plan)),
      ...(await shareDrift(ctx, guest, record)),
      ...(await portDrift(ctx, guest, record)),
    ];
  } finally {
    await guest.close();
  }
}
