import type { DraftChoices } from '../config/needs/choices.ts';
import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { loadPlan, readConfigText } from './load-plan.ts';
import { journaled, operation } from './operation.ts';
import { findTarget } from './target.ts';
import { writeDraft } from './write-draft.ts';

/** Writes a commented configuration file for a project. Fails with `conflict` when there is one. */
export function init(
  ctx: Ctx,
  input: {
    target: string | undefined;
    cwd: string;
    overrides: Overrides;
    choices: DraftChoices;
  },
): Promise<{ file: string }> {
  const about = { type: 'config', name: input.target ?? '.' } as const;
  return operation(ctx, { event: 'config.create', target: about }, async (op) => {
    const target = await findTarget(op.ctx, input.target, input.cwd);
    if (target.kind === 'name') {
      throw new CloneboxError('usage', `init wants a directory, and ${target.name} is a name`, {
        hint: `For a directory of that name, type ./${target.name}`,
      });
    }
    const file = target.configFile;
    op.about({ type: 'config', name: file });
    if ((await readConfigText(op.ctx, target)) !== undefined) {
      throw new CloneboxError('conflict', `${file} exists already`, {
        hint: 'Edit it, and check it with: clonebox config validate',
      });
    }
    const { overrides, choices } = input;
    const { draft } = await loadPlan(op.ctx, target, { overrides, choices });
    const text = draft?.text(overrides.image ?? 'auto') ?? '';
    await journaled(op, (journal) => writeDraft(op.ctx, target, { journal, text }));
    return { file };
  });
}
