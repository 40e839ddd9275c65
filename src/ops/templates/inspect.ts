import { noChoices } from '../../config/needs/choices.ts';
import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Image } from '../../core/image.ts';
import { looksLikePath } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import { type Template, type TemplateInputs, templateKey } from '../../core/template.ts';
import { loadPlan } from '../load-plan.ts';
import { findProject } from '../target.ts';
import { type Difference, differences } from './differences.ts';
import { templateInputs } from './inputs.ts';
import { listTemplates, type TemplateLine } from './list.ts';

export interface InspectedTemplate {
  readonly key: string;
  readonly inputs: TemplateInputs;
  /** What is in the cache under this key; `null` when it was not made yet. */
  readonly template: TemplateLine | null;
  /** Why files of it are not what was stored; `null` when they are. */
  readonly damage: string | null;
  /** The one it was compared with: the one that was named, or the nearest there is. */
  readonly other: { readonly key: string; readonly differences: readonly Difference[] } | null;
}

/**
 * What shaped a template, and why its key is not that of another. A path, or nothing, means the template that a clone of
 * that project would begin from, whether it was made or not. Fails with `not-found` for a key that is nobody's.
 */
export async function inspectTemplate(
  ctx: Ctx,
  input: { target: string | undefined; other: string | undefined; cwd: string; verify: boolean },
): Promise<InspectedTemplate> {
  const { key, inputs } = await wanted(ctx, input.target, input.cwd);
  const all = await ctx.templates.list();
  const found = all.find((one) => one.key === key);
  const other =
    input.other === undefined
      ? nearest(
          inputs,
          all.filter((one) => one.key !== key),
        )
      : await wanted(ctx, input.other, input.cwd);
  const line = (await listTemplates(ctx)).find((one) => one.key === key);
  return {
    ...{ key, inputs, template: line ?? null },
    damage: found === undefined || !input.verify ? null : await firstDamage(ctx, found),
    other: other && { key: other.key, differences: differences(other.inputs, inputs) },
  };
}

async function wanted(
  ctx: Ctx,
  target: string | undefined,
  cwd: string,
): Promise<{ key: string; inputs: TemplateInputs }> {
  if (target !== undefined && !looksLikePath(target)) {
    const found = await ctx.templates.find(target);
    if (found !== undefined) return found;
    throw new CloneboxError('not-found', `there is no template ${target}`, {
      hint: 'See what there is: clonebox template list',
    });
  }
  const inputs = await inputsOfProject(ctx, target, cwd);
  if (inputs !== undefined) return { key: templateKey(inputs), inputs };
  throw new CloneboxError('not-found', 'its image is not there yet, and is a part of its key', {
    hint: 'Fetch it: clonebox image pull; or make the template: clonebox template build',
  });
}

async function inputsOfProject(
  ctx: Ctx,
  target: string | undefined,
  cwd: string,
): Promise<TemplateInputs | undefined> {
  const project = await findProject(ctx, target, cwd);
  const { plan } = await loadPlan(ctx, project, { overrides: {}, choices: noChoices });
  return (await plannedInputs(ctx, plan))?.inputs;
}

/** What shapes the template of a plan, when its image is in the cache; nothing is fetched. */
export async function plannedInputs(
  ctx: Ctx,
  plan: VmPlan,
): Promise<{ inputs: TemplateInputs; image: Image } | undefined> {
  const reference = plan.image === 'auto' ? await ctx.images.likelyAuto() : plan.image;
  const image = await ctx.images.find(reference);
  return (
    image && {
      image,
      inputs: templateInputs(plan, image, {
        workstation: await ctx.setup.workstation(ctx.io),
        recipe: ctx.setup.recipe,
      }),
    }
  );
}

function nearest(inputs: TemplateInputs, all: readonly Template[]): Template | null {
  const [first] = all
    .map((one) => ({ one, count: differences(one.inputs, inputs).length }))
    .sort((a, b) => a.count - b.count);
  return first?.one ?? null;
}

async function firstDamage(ctx: Ctx, template: Template): Promise<string | null> {
  for (const warm of [undefined, ...template.warm]) {
    const damage = await ctx.templates.damage(template, warm, ctx.io);
    if (damage !== undefined) return warm === undefined ? damage : `${warm.key}: ${damage}`;
  }
  return null;
}
