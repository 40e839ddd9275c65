import { refusedShare } from '../config/refused.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { ProjectTree } from '../core/project-tree.ts';
import type { VmRecord } from '../core/record.ts';
import { shellQuote } from '../lib/quote.ts';
import { requireApart } from './own-places.ts';

/**
 * Sees to it, before a machine runs, that its shared directories are what was judged when they were planned, and opens those
 * that will be copied; that a guest writes to one is remembered. The guest writes in the project: one below it may have become a link to somewhere else. Fails with
 * `refused` for that and for what is never shared, with `not-found` when one is gone.
 */
export async function openSources(
  ctx: Ctx,
  record: VmRecord,
): Promise<ReadonlyMap<string, ProjectTree>> {
  const { shares } = record.plan;
  // What was copied once is in the guest.
  const wanted = shares.filter(({ mode }) => mode !== 'copy' || record.phase !== 'ready');
  await requireApart(ctx, wanted);
  const sources = new Map<string, ProjectTree>();
  for (const { host, mode } of wanted) {
    const reason = refusedShare(host, ctx.host.user.home);
    if (reason !== undefined)
      throw changed(record, host, { is: `${reason}: it is never shared`, code: 'refused' });
    const tree = await open(ctx, record, host);
    if (mode === 'copy') {
      sources.set(host, tree);
      continue;
    }
    if (mode === 'rw') await ctx.store.rememberShared([tree], ctx.io);
    await tree.close();
  }
  return sources;
}

async function open(ctx: Ctx, record: VmRecord, path: string): Promise<ProjectTree> {
  const opened = await ctx.host.openTree(path);
  switch (opened.kind) {
    case 'tree':
      return opened.tree;
    case 'link': {
      const by = opened.link === path ? '' : `reached by ${opened.link}, which is `;
      const is = `is ${by}now a link to ${opened.target}`;
      throw changed(record, path, { is, code: 'refused' });
    }
    case 'absent':
      throw changed(record, path, { is: 'is gone', code: 'not-found' });
    case 'not-a-directory':
      throw changed(record, path, { is: 'is no directory any more', code: 'not-found' });
  }
}

function changed(
  { plan }: VmRecord,
  path: string,
  { is, code }: { is: string; code: 'refused' | 'not-found' },
): CloneboxError {
  return new CloneboxError(code, `the shared directory ${path} ${is}`, {
    hint: `Put it back, or take it out: clonebox clone ${shellQuote(plan.project ?? '.')} --apply`,
    facts: { path },
  });
}
