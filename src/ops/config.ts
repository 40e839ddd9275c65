import type { Overrides } from '../config/plan-input.ts';
import { allProblems } from '../config/problem.ts';
import { resolvedValues } from '../config/resolved-values.ts';
import type { OriginatedValue } from '../config/values.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
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

export interface ResolvedConfig {
  readonly file: string;
  readonly values: readonly OriginatedValue[];
}

/**
 * Every value of what a project's file means now, with its origin. What the command line said when its VM was made goes
 * on to hold, as for the next `clone`. Fails with `usage` for a VM by name: its record has no origins.
 */
export async function resolveConfig(
  ctx: Ctx,
  input: ConfigInput & { readonly overrides: Overrides },
): Promise<ResolvedConfig> {
  const target = await findTarget(ctx, input.target, input.cwd);
  if (target.kind === 'name') {
    throw new CloneboxError('usage', 'config show --resolved wants a directory or a file', {
      hint: 'clonebox config show --resolved .',
    });
  }
  const made = target.existing && (await ctx.store.read(target.existing).catch(() => undefined));
  const overrides = { ...made?.overrides, ...input.overrides };
  const { plan, input: from, draft } = await loadPlan(ctx, target, { overrides });
  const values = resolvedValues(from, plan).map((value) =>
    draft !== undefined && value.origin.kind === 'file'
      ? { ...value, origin: { ...value.origin, kind: 'draft' as const } }
      : value,
  );
  return { file: target.configFile, values };
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
  try {
    await loadPlan(ctx, target, { overrides: {}, mustExist: true });
  } catch (error) {
    throw isCloneboxError(error, 'config-invalid') ? allProblems(error) : error;
  }
  return { file: target.configFile, valid: true };
}
