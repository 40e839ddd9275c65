import { noChoices } from '../../config/needs/choices.ts';
import type { Ctx } from '../../core/ctx.ts';
import { looksLikePath } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import { templateKey } from '../../core/template.ts';
import { gather } from '../gather.ts';
import { loadPlan } from '../load-plan.ts';
import { findProject, loadVm } from '../target.ts';
import { requireTrust, type TrustChoice } from '../trust.ts';
import { whenIdle } from '../turns.ts';
import { ensureTemplate, ensureWarm } from './bake.ts';
import { warmShape, whyNotWarm } from './choose.ts';
import { templateInputs } from './inputs.ts';
import { listTemplates, type TemplateLine } from './list.ts';

export interface BuiltTemplate {
  readonly template: TemplateLine;
  /** Why its memory was not kept; `null` when it is. */
  readonly notWarm: string | null;
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
 * Makes the template that a clone of this project would begin from, or a VM with this name as it was made, and keeps its
 * memory, unless they are there. Makes no VM and writes nothing into the project. On failure nothing is left.
 */
export async function buildTemplate(ctx: Ctx, input: BuildInput): Promise<BuiltTemplate> {
  const plan = await planOf(ctx, input);
  return input.idle ? whenIdle(ctx, () => build(ctx, plan, input)) : build(ctx, plan, input);
}

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
  input: Pick<BuildInput, 'warm'>,
): Promise<BuiltTemplate> {
  const parts = await gather(ctx, plan);
  const workstation = await ctx.setup.workstation(ctx.io);
  const inputs = templateInputs(plan, parts.image, { workstation, recipe: ctx.setup.recipe });
  const key = templateKey(inputs);
  const recipe = { plan, ...parts, workstation };
  const template = await ensureTemplate(ctx, recipe, { key, inputs });
  const notWarm = whyNotWarm(plan, parts, input.warm ? 'warm' : 'disk');
  if (notWarm === undefined) {
    await ensureWarm(ctx, recipe, { template, shape: await warmShape(ctx, recipe, template) });
  }
  const line = (await listTemplates(ctx)).find((one) => one.key === key);
  if (line === undefined) throw new Error(`template ${key} is gone`);
  return { template: line, notWarm: notWarm ?? null };
}
