import type { Ctx } from '../../core/ctx.ts';
import type { Driver, DriverFacts } from '../../core/driver.ts';
import { isCloneboxError, reasonOf } from '../../core/errors.ts';
import type { Image } from '../../core/image.ts';
import type { VmPlan } from '../../core/plan.ts';
import {
  shapeKey,
  type Template,
  type TemplateInputs,
  templateKey,
  type WarmShape,
  type WarmState,
} from '../../core/template.ts';
import { ensureTemplate, ensureWarm, type Recipe } from './bake.ts';
import { templateInputs } from './inputs.ts';

/** How far a template is wanted: `later` keeps its memory in the background, for the next VM. */
export type TemplateWish = 'warm' | 'later' | 'disk' | 'none';

/** What a VM begins from, and why not from something faster. */
export type Beginning =
  | { readonly path: 'warm'; readonly template: Template; readonly warm: WarmState }
  | { readonly path: 'disk'; readonly template: Template; readonly reason: string }
  | { readonly path: 'cold'; readonly reason: string };

/** 9p slots that a kept machine has: a share is mounted there without plugging anything in. */
const slots = 4;

export interface Parts {
  readonly driver: Driver;
  readonly facts: DriverFacts;
  readonly image: Image;
}

/**
 * Finds the fastest way to a VM of this plan, and makes the template and its memory on the way when they are not there. What
 * makes a way impossible leads to the next slower one, with the reason; only a plan that no way could carry out fails.
 */
export async function chooseBeginning(
  ctx: Ctx,
  plan: VmPlan,
  { parts, wish, keepFailed }: { parts: Parts; wish: TemplateWish; keepFailed: boolean },
): Promise<Beginning> {
  if (wish === 'none') return { path: 'cold', reason: 'no template was wanted (--no-template)' };
  const { image } = parts;
  if (image.setup === 'cloud-init') {
    return {
      path: 'cold',
      reason: `${image.reference} sets itself up at its first boot (cloud-init)`,
    };
  }
  const workstation = await ctx.setup.workstation(ctx.io);
  const inputs = templateInputs(plan, image, { workstation, recipe: ctx.setup.recipe });
  const key = templateKey(inputs);
  const recipe: Recipe = { plan, ...parts, workstation };
  const known = await ctx.templates.find(key);
  if (known === undefined && keepFailed) {
    return { path: 'cold', reason: 'what fails is to be kept (--keep-failed)' };
  }
  const template = known ?? (await bake(ctx, recipe, { key, inputs }));
  if (typeof template === 'string') return { path: 'cold', reason: template };
  const damage = await ctx.templates.damage(template, undefined, ctx.io);
  if (damage !== undefined) return { path: 'cold', reason: `its template is damaged: ${damage}` };
  const obstacle = whyNotWarm(plan, parts, wish);
  if (obstacle !== undefined) return { path: 'disk', template, reason: obstacle };
  return goOnFrom(ctx, recipe, { template, wish });
}

/** The template, or why there can be none. */
async function bake(
  ctx: Ctx,
  recipe: Recipe,
  draft: { key: string; inputs: TemplateInputs },
): Promise<Template | string> {
  try {
    return await ensureTemplate(ctx, recipe, draft);
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    // What a step leaves is no fault of the plan's; what fails in a step would fail in the VM, too.
    const isUnclean = isCloneboxError(error, 'guest-failed') && error.facts.phase === 'clean';
    if (!isUnclean && !isCloneboxError(error, 'conflict')) throw error;
    return reasonOf(error).split('\n')[0] ?? 'it failed';
  }
}

/** Why the memory of a template cannot be gone on from for this plan, if so. */
export function whyNotWarm(
  plan: VmPlan,
  { driver }: Parts,
  wish: TemplateWish,
): string | undefined {
  const live = plan.shares.filter(({ mode }) => mode !== 'copy').length;
  if (wish === 'disk') return 'a boot was wanted (--cold)';
  if (!plan.templates.warm) return 'templates.warm is false';
  if (driver.memory === undefined) return `the driver ${driver.name} keeps no memory`;
  if (plan.shareDriver === 'virtiofs') return 'virtiofs shares cannot be in a kept machine';
  if (live > slots) return `${live} live shares, and a kept machine has ${slots} slots`;
  return undefined;
}

async function goOnFrom(
  ctx: Ctx,
  recipe: Recipe,
  { template, wish }: { template: Template; wish: TemplateWish },
): Promise<Beginning> {
  const shape = await warmShape(ctx, recipe, template);
  try {
    const there = template.warm.find(({ key }) => key.startsWith(`${shapeKey(shape)}-`));
    if (there === undefined && wish === 'later') {
      return {
        path: 'disk',
        template,
        reason: 'its memory is kept in the background (--warm=later)',
      };
    }
    const warm = there ?? (await ensureWarm(ctx, recipe, { template, shape }));
    const damage = await ctx.templates.damage(template, warm, ctx.io);
    if (damage === undefined) return { path: 'warm', template, warm };
    await ctx.templates.discardWarm(template, warm, ctx.io);
    return { path: 'disk', template, reason: `the memory of its template was damaged: ${damage}` };
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    return {
      ...{ path: 'disk', template },
      reason: `its memory could not be kept: ${reasonOf(error).split('\n')[0]}`,
    };
  }
}

/** What a kept memory for this plan must be like on this host. */
export async function warmShape(
  ctx: Ctx,
  { plan, driver, facts }: Pick<Recipe, 'plan' | 'driver' | 'facts'>,
  template: Template,
): Promise<WarmShape> {
  const { virtual } = await driver.measure(template.disk, ctx.io);
  return {
    cpus: plan.cpus,
    memory: plan.memory,
    disk: Math.max(plan.disk, virtual),
    machine: facts.machine ?? '',
    layout: facts.layout,
    resident: plan.templates.resident.toSorted(),
    hypervisor: (await driver.memory?.identity(facts)) ?? '',
  };
}
