import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import { loadPlan } from './load-plan.ts';
import { findTarget } from './target.ts';

interface ConfigInput {
  readonly target: string | undefined;
  readonly cwd: string;
}

/** The resolved configuration: of a project, what its file means now; of a VM by name, what it was made from. */
export async function showConfig(ctx: Ctx, input: ConfigInput): Promise<VmPlan> {
  const target = await findTarget(ctx, input.target, input.cwd);
  if (target.kind === 'name') {
    const record = await ctx.store.read(target.name);
    if (record !== undefined) return record.plan;
    throw new CloneboxError('not-found', `there is no VM named ${target.name}`, {
      hint: 'clonebox list',
    });
  }
  return (await loadPlan(ctx, target, { overrides: {} })).plan;
}

/** Checks a project's file. Fails with `config-invalid` and every problem, or `not-found` when there is no file. */
export async function validateConfig(
  ctx: Ctx,
  input: ConfigInput,
): Promise<{ file: string; valid: true }> {
  const target = await findTarget(ctx, input.target, input.cwd);
  if (target.kind === 'name') {
    throw new CloneboxError('usage', 'config validate wants a directory or a file', {
      hint: 'clonebox config validate .',
    });
  }
  await loadPlan(ctx, target, { overrides: {}, mustExist: true });
  return { file: target.configFile, valid: true };
}
