import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';

/** What a plan costs beside its disk, in bytes; `null` where nobody knows it yet. */
export interface PlanSizes {
  /** Of the base image, when it is in the cache. */
  readonly image: number | null;
  /** Of each directory that is copied in. */
  readonly copies: readonly { readonly host: string; readonly bytes: number | null }[];
  /** Free where the VM's disk will grow. */
  readonly free: number;
}

const mostEntries = 50_000;

/** Measures what a plan would take. Changes nothing; a directory of very many files is not counted to its end. */
export async function planSizes(ctx: Ctx, plan: VmPlan): Promise<PlanSizes> {
  const reference = plan.image === 'auto' ? await ctx.images.likelyAuto() : plan.image;
  const image =
    (await ctx.images.find(reference)) ?? (await ctx.images.find(`bootstrap:${reference}`));
  const copied = plan.shares.filter(({ mode }) => mode === 'copy');
  const copies = await Promise.all(
    copied.map(async ({ host }) => ({ host, bytes: await bytesBelow(ctx, host) })),
  );
  const free = await ctx.host.files.freeBytes(await nearestThere(ctx, ctx.store.paths.home));
  return { image: image?.size ?? null, copies, free };
}

async function nearestThere(ctx: Ctx, path: string): Promise<string> {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  if (path === '/' || (await ctx.host.files.facts(path)) !== undefined) return path;
  return nearestThere(ctx, parent);
}

/** Links are not followed, so that there are no loops. */
async function bytesBelow(ctx: Ctx, directory: string): Promise<number | null> {
  const opened = await ctx.host.openTree(directory);
  if (opened.kind !== 'tree') return null;
  const { tree } = opened;
  const survey = tree.survey(ctx.io, { follow: false, most: mostEntries });
  const { bytes, isWhole } = await survey.finally(tree.close);
  return isWhole ? bytes : null;
}
