import { isAbsolute, resolve } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import type { Image } from '../core/image.ts';

export interface ImageLine extends Image {
  /** VMs that stand on it: it cannot be pruned while there are any. */
  readonly usedBy: readonly string[];
}

/** The images in the cache and who uses them. */
export async function listImages(ctx: Ctx): Promise<ImageLine[]> {
  const users = await imageUsers(ctx);
  return (await ctx.images.list()).map((image) => ({
    ...image,
    usedBy: users.get(image.digest) ?? [],
  }));
}

/** Fetches or builds an image when it is not in the cache; with `fresh` also when it is. */
export async function pullImage(
  ctx: Ctx,
  input: { reference: string; cwd: string; fresh: boolean },
): Promise<Image> {
  const reference =
    input.reference === 'auto' ? await ctx.images.resolveAuto(ctx.io) : input.reference;
  return input.fresh ? ctx.images.pull(reference, ctx.io) : ctx.images.ensure(reference, ctx.io);
}

/** Copies a disk file into the cache. */
export async function importImage(
  ctx: Ctx,
  input: { path: string; cwd: string; name: string | undefined; digest: string | undefined },
): Promise<Image> {
  const path = isAbsolute(input.path) ? input.path : resolve(input.cwd, input.path);
  return ctx.images.importFile(path, ctx.io, { name: input.name, digest: input.digest });
}

/** Removes images that no VM, not even one in the trash, stands on. */
export async function pruneImages(
  ctx: Ctx,
  input: { all: boolean },
): Promise<{ removed: string[]; freed: number }> {
  const inUse = new Set((await imageUsers(ctx)).keys());
  return ctx.images.prune(inUse, ctx.io, { all: input.all });
}

async function imageUsers(ctx: Ctx): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  for (const { name, digest } of await ctx.store.imageDigests()) {
    users.set(digest, [...(users.get(digest) ?? []), name]);
  }
  return users;
}
