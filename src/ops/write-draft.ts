import { basename } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { isCloneboxError } from '../core/errors.ts';
import type { Journal } from '../core/store.ts';
import type { ProjectTarget } from './target.ts';

type Place = Pick<ProjectTarget, 'directory' | 'configFile'>;

/** Writes a project's first file. Fails with `conflict` when there is one by now. */
export async function writeDraft(
  ctx: Ctx,
  { directory, configFile }: Place,
  { journal, text }: { journal: Journal; text: string },
): Promise<void> {
  const tree = await ctx.openProject(directory);
  const undo = { kind: 'sweep-drafts', directory } as const;
  await journal.step('its configuration file', undo, () =>
    tree.writeNew(basename(configFile), text, 0o644),
  );
}

/** As `writeDraft`, where a VM is made at once: it goes on without the file when that cannot be written. */
export async function tryWriteDraft(
  ctx: Ctx,
  project: Place,
  draft: { journal: Journal; text: string },
): Promise<void> {
  const { configFile: file } = project;
  try {
    await writeDraft(ctx, project, draft);
    ctx.io.emit({ kind: 'note', text: `wrote ${file}` });
  } catch (error) {
    if (isCloneboxError(error, 'conflict')) return;
    ctx.io.emit({ kind: 'warning', text: `could not write ${file}; going on without it` });
  }
}
