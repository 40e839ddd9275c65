import type { Ctx } from '../core/ctx.ts';
import { reasonOf } from '../core/errors.ts';

/** How long a deleted VM can be brought back: 24 hours, in milliseconds. */
const trashAge = 24 * 60 * 60 * 1000;

/** Removes for good what has been in the trash for a day. That it cannot be removed is no reason for anything to fail. */
export async function emptyTrash(ctx: Ctx): Promise<void> {
  try {
    await ctx.store.emptyTrash(trashAge);
  } catch (error) {
    ctx.io.log.warn('trash.kept', { reason: reasonOf(error) });
  }
}
