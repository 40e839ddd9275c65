import type { Ctx } from '../../core/ctx.ts';
import type { VmPlan } from '../../core/plan.ts';
import { shapeKey, templateKey } from '../../core/template.ts';
import { warmShape, whyNotWarm } from './choose.ts';
import { plannedInputs } from './inspect.ts';

/** What of a template there is for a plan. */
export interface PlannedTemplate {
  /** `null` while its image is not in the cache: the image is a part of it. */
  readonly key: string | null;
  readonly state:
    | 'warm: a clone goes on from its memory'
    | 'made: its memory will be kept'
    | 'made: a clone boots its disk'
    | 'will be made'
    | 'none: the image sets itself up at its first boot'
    | 'will be made; the image is not here yet';
}

/** The template that a VM of this plan would begin from. Makes and fetches nothing. */
export async function plannedTemplate(ctx: Ctx, plan: VmPlan): Promise<PlannedTemplate> {
  const found = await plannedInputs(ctx, plan);
  if (found === undefined) return { key: null, state: 'will be made; the image is not here yet' };
  const { inputs, image } = found;
  const key = templateKey(inputs);
  if (image.setup === 'cloud-init')
    return { key: null, state: 'none: the image sets itself up at its first boot' };
  const template = await ctx.templates.find(key);
  if (template === undefined) return { key, state: 'will be made' };
  const driver = await ctx.driver(plan.driver);
  const facts = await driver.preflight(ctx.io);
  if (whyNotWarm(plan, { driver, facts, image }, 'warm') !== undefined)
    return { key, state: 'made: a clone boots its disk' };
  const shape = shapeKey(await warmShape(ctx, { plan, driver, facts }, template));
  return template.warm.some((warm) => warm.key.startsWith(`${shape}-`))
    ? { key, state: 'warm: a clone goes on from its memory' }
    : { key, state: 'made: its memory will be kept' };
}
