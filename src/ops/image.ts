import { isAbsolute, resolve } from 'node:path';
import type { AuditEvent } from '../core/audit.ts';
import type { Ctx } from '../core/ctx.ts';
import type { Image } from '../core/image.ts';
import { shortKey } from '../core/template.ts';
import { requireStaying } from './floors.ts';
import { isFull, journaled, type Operation, operation } from './operation.ts';
import { requireUnshared } from './own-places.ts';

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
export function pullImage(
  ctx: Ctx,
  input: { reference: string; cwd: string; fresh: boolean },
): Promise<Image> {
  const event = input.reference.startsWith('bootstrap:') ? 'image.build' : 'image.pull';
  return changeImages(ctx, { event, name: input.reference }, async (op) => {
    const { images, io } = op.ctx;
    const { reference: asked, fresh } = input;
    const reference = asked === 'auto' ? await images.resolveAuto(io) : asked;
    const before = fresh ? undefined : await images.find(reference);
    const image = await (fresh ? images.pull(reference, io) : images.ensure(reference, io));
    if (before?.digest === image.digest) op.skipped();
    op.note({ digest: image.digest });
    return image;
  });
}

/** Copies a disk file into the cache. */
export function importImage(
  ctx: Ctx,
  input: { path: string; cwd: string; name: string | undefined; digest: string | undefined },
): Promise<Image> {
  const path = isAbsolute(input.path) ? input.path : resolve(input.cwd, input.path);
  return changeImages(ctx, { event: 'image.import', name: input.name ?? path }, async (op) => {
    const { name, digest } = input;
    await requireStaying(op.ctx, path);
    const image = await op.ctx.images.importFile(path, op.ctx.io, { name, digest });
    op.note({ digest: image.digest });
    return image;
  });
}

/** Removes images that no VM, not even one in the trash, stands on. */
export function pruneImages(
  ctx: Ctx,
  input: { all: boolean },
): Promise<{ removed: string[]; freed: number }> {
  return changeImages(ctx, { event: 'image.prune', name: '*' }, async (op) => {
    const inUse = new Set((await imageUsers(op.ctx)).keys());
    const result = await op.ctx.images.prune(inUse, op.ctx.io, { all: input.all });
    if (result.removed.length === 0) op.skipped();
    op.note({ removed: result.removed.length, freed: result.freed });
    return result;
  });
}

/** An image appears and goes by one rename: what an interrupted change leaves is only to be swept up. */
function changeImages<T>(
  ctx: Ctx,
  { event, name }: { event: AuditEvent; name: string },
  action: (op: Operation) => Promise<T>,
): Promise<T> {
  const target = { type: 'image', name } as const;
  const makesRoom = event === 'image.prune';
  return operation(ctx, { event, target, ...(makesRoom && { makesRoom }) }, async (op) => {
    await requireUnshared(op.ctx);
    const undo = { kind: 'sweep-images' } as const;
    try {
      return await journaled(op, (journal) =>
        journal.step('the cache of images', undo, () => action(op)),
      );
    } catch (error) {
      // Not one block left for the journal: what makes room goes on without.
      if (!makesRoom || !isFull(error)) throw error;
      return action(op);
    }
  });
}

async function imageUsers(ctx: Ctx): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  for (const { name, digest } of await ctx.store.imageDigests()) {
    users.set(digest, [...(users.get(digest) ?? []), name]);
  }
  for (const { key, image } of await ctx.templates.list()) {
    users.set(image.digest, [...(users.get(image.digest) ?? []), `template ${shortKey(key)}`]);
  }
  return users;
}
