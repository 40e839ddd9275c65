import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { Journal } from '../core/store.ts';
import { formatBytes } from '../lib/bytes.ts';
import { shellQuote } from '../lib/quote.ts';

/** More than this is not copied without a word of the user's, in bytes. */
const most = 8 * 1024 ** 3;

/**
 * Sees to it that a guest which writes to a share does not write elsewhere by it: a file that has another name outside of
 * the share (pnpm, uv and `git clone` of a local directory make such) gets a content of its own. Fails with `refused` when
 * that is too much to copy, or there is no room for it. May be repeated; an interrupt leaves some of it done.
 */
export async function takeHardLinksApart(
  ctx: Ctx,
  shares: VmPlan['shares'],
  journal: Journal,
): Promise<void> {
  for (const { host, mode } of shares) {
    if (mode !== 'rw') continue;
    const opened = await ctx.host.openTree(host);
    // Whoever starts the machine tells what it is.
    if (opened.kind !== 'tree') continue;
    const { tree } = opened;
    try {
      const linked = await tree.findLinkedElsewhere(ctx.io);
      if (linked.files === 0) continue;
      const free = await ctx.host.files.freeBytes(`/proc/self/fd/${tree.descriptor}`);
      const size = formatBytes(linked.bytes);
      const said = `${linked.files} files of ${host} are elsewhere on this computer too (hard links)`;
      if (linked.bytes > most || linked.bytes > free / 2) {
        throw new CloneboxError('refused', `${said}: what a guest writes to them changes there`, {
          hint: `To be shared they would be copied, ${size}. Copy the directory yourself and share that, or share this one with mode: ro.`,
          facts: { path: host, files: linked.files, bytes: linked.bytes, free },
        });
      }
      ctx.io.emit({
        kind: 'note',
        text: `${said}; here they become copies, ${size}, so that the guest changes nothing there`,
      });
      const undo = { kind: 'sweep-drafts', directory: tree.path } as const;
      await journal.step('copies of hard links', undo, () => tree.takeApart(linked, ctx.io));
    } catch (error) {
      if (!isCloneboxError(error) || error.facts.errno !== 'EACCES') throw error;
      throw new CloneboxError(
        'refused',
        `hard links of ${host} cannot be looked for, or taken apart: ${error.message}`,
        {
          hint: `Open it to yourself: chmod -R u+rwX ${shellQuote(host)}; or share it with mode: ro.`,
          facts: { ...error.facts, path: host },
          cause: error,
        },
      );
    } finally {
      await tree.close();
    }
  }
}
