import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import { shortKey, type Template } from '../../core/template.ts';
import { journaled, type Operation, operation } from '../operation.ts';
import { sweepPool } from '../pool/end.ts';
import { currentHypervisor } from './list.ts';
import { templateUsers } from './users.ts';

export interface PrunedTemplates {
  readonly removed: readonly string[];
  /** Bytes. */
  readonly freed: number;
}

/** A template that no VM needs is kept for this long after it was last used, in milliseconds. */
const keptFor = 30 * 24 * 3600 * 1000;

/**
 * Removes templates that no VM, not even one in the trash, stands on: those not used for 30 days, with `all` every one, with
 * `key` that one alone, which fails with `conflict` when a VM needs it. Kept memories that this host cannot go on from any
 * more go too. The machines of the pool are ended, with `key` those that stand on it.
 */
export function pruneTemplates(
  ctx: Ctx,
  input: { key: string | undefined; all: boolean },
): Promise<PrunedTemplates> {
  const target = { type: 'template', name: input.key ?? '*' } as const;
  return operation(ctx, { event: 'template.prune', target, makesRoom: true }, (op) =>
    journaled(op, (journal) =>
      journal.step('the cache of templates', { kind: 'sweep-templates' }, () => prune(op, input)),
    ),
  );
}

async function prune(
  op: Operation,
  { key, all }: { key: string | undefined; all: boolean },
): Promise<PrunedTemplates> {
  const { ctx } = op;
  const wanted = key === undefined ? undefined : await find(ctx, key);
  await sweepPool(
    ctx,
    async ({ template }) => wanted !== undefined && template?.key !== wanted.key,
  );
  if (wanted !== undefined) await requireFree(ctx, wanted);
  const inUse = async () => (await templateUsers(ctx, await ctx.templates.list())).inUse;
  const hypervisor = await currentHypervisor(ctx);
  const since = ctx.host.now() - keptFor;
  const result = await ctx.templates.prune(inUse, ctx.io, {
    only: (template, warm) => {
      if (wanted !== undefined) return template.key === wanted.key;
      if (all) return true;
      if (warm !== undefined) return warm.shape.hypervisor !== hypervisor;
      return Date.parse(template.lastUsed) < since;
    },
  });
  if (result.removed.length === 0) op.skipped();
  op.note({ removed: result.removed.length, freed: result.freed });
  return result;
}

/** The one to be removed. */
async function find(ctx: Ctx, key: string) {
  const template = await ctx.templates.find(key);
  if (template === undefined) {
    throw new CloneboxError('not-found', `there is no template ${key}`, {
      hint: 'See what there is: clonebox template list',
    });
  }
  return template;
}

async function requireFree(ctx: Ctx, template: Template): Promise<void> {
  const users = (await templateUsers(ctx, [template])).of(template);
  if (users.length === 0) return;
  throw new CloneboxError(
    'conflict',
    `template ${shortKey(template.key)} is under ${users.join(', ')}`,
    {
      hint: `Remove them first: clonebox delete ${users[0]} --purge`,
      facts: { users },
    },
  );
}
