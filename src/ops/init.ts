import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { loadPlan, readConfigText } from './load-plan.ts';
import { findTarget } from './target.ts';

/** Writes a commented configuration file for a project. Fails with `conflict` when there is one. */
export async function init(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; overrides: Overrides },
): Promise<{ file: string }> {
  const target = await findTarget(ctx, input.target, input.cwd);
  if (target.kind === 'name') {
    throw new CloneboxError('usage', `init wants a directory, and ${target.name} is a name`, {
      hint: `For a directory of that name, type ./${target.name}`,
    });
  }
  if ((await readConfigText(ctx, target.configFile)) !== undefined) {
    throw new CloneboxError('conflict', `${target.configFile} exists already`, {
      hint: 'Edit it, and check it with: clonebox config validate',
    });
  }
  const { draft } = await loadPlan(ctx, target, { overrides: input.overrides, trust: true });
  await ctx.host.files.writeNew(
    target.configFile,
    draft?.(input.overrides.image ?? 'auto') ?? '',
    0o644,
  );
  return { file: target.configFile };
}
