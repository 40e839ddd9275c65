import { noChoices } from '../../config/needs/choices.ts';
import type { Ctx } from '../../core/ctx.ts';
import { templateKey } from '../../core/template.ts';
import { gather } from '../gather.ts';
import { loadPlan } from '../load-plan.ts';
import { findProject } from '../target.ts';
import { requireTrust, type TrustChoice } from '../trust.ts';
import { ensureTemplate, ensureWarm } from './bake.ts';
import { warmShape, whyNotWarm } from './choose.ts';
import { templateInputs } from './inputs.ts';
import { listTemplates, type TemplateLine } from './list.ts';

export interface BuiltTemplate {
  readonly template: TemplateLine;
  /** Why its memory was not kept; `null` when it is. */
  readonly notWarm: string | null;
}

/**
 * Makes the template that a clone of this project would begin from, and keeps its memory, unless they are there. Makes no
 * VM and writes nothing into the project. On failure nothing is left.
 */
export async function buildTemplate(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; trust: TrustChoice; warm: boolean },
): Promise<BuiltTemplate> {
  const project = await findProject(ctx, input.target, input.cwd);
  const { plan, reach } = await loadPlan(ctx, project, { overrides: {}, choices: noChoices });
  await requireTrust(ctx, { plan, reach }, input.trust);
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
