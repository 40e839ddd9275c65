import { noChoices } from '../../config/needs/choices.ts';
import type { Ctx } from '../../core/ctx.ts';
import { looksLikePath } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import { templateKey } from '../../core/template.ts';
import { gather } from '../gather.ts';
import { loadPlan } from '../load-plan.ts';
import { fillPool, noPool, type PoolLevel, poolLevel } from '../pool/fill.ts';
import { findProject, loadVm } from '../target.ts';
import { requireTrust, type TrustChoice } from '../trust.ts';
import { whenIdle } from '../turns.ts';
import { ensureTemplate, ensureWarm } from './bake.ts';
import { warmShape, whyNotWarm } from './choose.ts';
import { templateInputs } from './inputs.ts';
import { listTemplates, type TemplateLine } from './list.ts';
import { plannedTemplate } from './planned.ts';

export interface BuiltTemplate {
  readonly template: TemplateLine;
  /** Why its memory was not kept; `null` when it is. */
  readonly notWarm: string | null;
  readonly pool: PoolLevel;
}

export interface BuildInput {
  readonly target: string | undefined;
  readonly cwd: string;
  readonly trust: TrustChoice;
  readonly warm: boolean;
  /** Once no machine is being started, and behind whatever else runs. */
  readonly idle: boolean;
}

/**
 * Makes the template that a clone of this project would begin from, or a VM with this name as it was made, keeps its memory
 * and fills its pool, as far as that was not done. Makes no VM and writes nothing into the project. On failure nothing is
 * left.
 */
export async function buildTemplate(ctx: Ctx, input: BuildInput): Promise<BuiltTemplate> {
  const plan = await planOf(ctx, input);
  if (!input.idle) return build(ctx, plan, { ...input, fill: true });
  return whenIdle(ctx, async () => {
    const { state } = await plannedTemplate(ctx, plan);
    const isThere = state === 'warm: a clone goes on from its memory';
    // For good, and machines inherit it: those of the pool must not come behind everything for all of their lives.
    if (!isThere) ctx.host.yieldProcessors();
    const built = await build(ctx, plan, { ...input, fill: isThere });
    const isVm = (await ctx.store.names()).includes(plan.name);
    if (isVm && built.pool.reason === filledLater) {
      await ctx.startInBackground(['template', 'build', plan.name, '--idle', '--quiet']);
    }
    return built;
  });
}

const filledLater = 'it is filled by another process';

/** A VM's own plan was confirmed when it was made; what its project says by now does not count. */
async function planOf(ctx: Ctx, { target, cwd, trust }: BuildInput): Promise<VmPlan> {
  if (target !== undefined && !looksLikePath(target)) {
    return (await loadVm(ctx, target, cwd)).plan;
  }
  const project = await findProject(ctx, target, cwd);
  const { plan, reach } = await loadPlan(ctx, project, { overrides: {}, choices: noChoices });
  await requireTrust(ctx, { plan, reach }, trust);
  return plan;
}

async function build(
  ctx: Ctx,
  plan: VmPlan,
  { warm: isWarm, fill }: { warm: boolean; fill: boolean },
): Promise<BuiltTemplate> {
  const parts = await gather(ctx, plan);
  const workstation = await ctx.setup.workstation(ctx.io);
  const inputs = templateInputs(plan, parts.image, { workstation, recipe: ctx.setup.recipe });
  const key = templateKey(inputs);
  const recipe = { plan, ...parts, workstation };
  const template = await ensureTemplate(ctx, recipe, { key, inputs });
  const notWarm = whyNotWarm(plan, parts, isWarm ? 'warm' : 'disk');
  let pool: PoolLevel;
  if (notWarm === undefined) {
    const shape = await warmShape(ctx, recipe, template);
    const warm = await ensureWarm(ctx, recipe, { template, shape });
    const beginning = { path: 'warm', template, warm } as const;
    pool = fill
      ? await fillPool(ctx, { plan, parts, beginning })
      : await poolLevel(ctx, plan, filledLater);
  } else {
    pool = await noPool(ctx, plan, notWarm);
  }
  const line = (await listTemplates(ctx)).find((one) => one.key === key);
  if (line === undefined) throw new Error(`template ${key} is gone`);
  return { template: line, notWarm: notWarm ?? null, pool };
}
