import { dirname } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { isCloneboxError } from '../core/errors.ts';
import type { Journal } from '../core/store.ts';

/** Writes a project's first file. Fails with `conflict` when there is one by now. */
export function writeDraft(
  ctx: Ctx,
  file: string,
  { journal, text }: { journal: Journal; text: string },
): Promise<void> {
  const undo = { kind: 'sweep-drafts', directory: dirname(file) } as const;
  return journal.step('its configuration file', undo, () =>
    ctx.host.files.writeNew(file, text, 0o644),
  );
}

/** As `writeDraft`, where a VM is made at once: it goes on without the file when that cannot be written. */
export async function tryWriteDraft(
  ctx: Ctx,
  file: string,
  draft: { journal: Journal; text: string },
): Promise<void> {
  try {
    await writeDraft(ctx, file, draft);
    ctx.io.emit({ kind: 'note', text: `wrote ${file}` });
  } catch (error) {
    if (isCloneboxError(error, 'conflict')) return;
    ctx.io.emit({ kind: 'warning', text: `could not write ${file}; going on without it` });
  }
}
