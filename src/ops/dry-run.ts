import type { Ctx } from '../core/ctx.ts';
import type { CloneInput } from './clone.ts';
import { loadPlan } from './load-plan.ts';
import { planSizes } from './plan-sizes.ts';
import { type PlanView, planView } from './plan-view.ts';
import { findProject } from './target.ts';
import { plannedTemplate } from './templates/planned.ts';

export interface DryRun {
  readonly plan: PlanView;
}

/** What `clone` would make. Never asks, writes nothing anywhere. */
export async function dryRun(ctx: Ctx, input: CloneInput): Promise<DryRun> {
  const project = await findProject(ctx, input.target, input.cwd);
  const { overrides, choices } = input;
  const { plan, draft } = await loadPlan(ctx, project, { overrides, choices });
  // An unknown driver is found out here and not by a half-made VM.
  await ctx.driver(plan.driver);
  const sizes = await planSizes(ctx, plan);
  const template = await plannedTemplate(ctx, plan);
  return { plan: planView({ plan, draft, configFile: project.configFile, sizes, template }) };
}
