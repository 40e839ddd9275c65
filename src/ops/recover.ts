import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import type { UnfinishedOperation } from '../core/store.ts';
import { findVm } from './target.ts';

export interface RecoverResult {
  /** What a crash had left and was taken back; with `listOnly`, what is still there. */
  readonly operations: readonly UnfinishedOperation[];
}

/** Takes back what interrupted operations left, of one VM or of all. With nothing to do it changes nothing. */
export async function recover(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; listOnly: boolean },
): Promise<RecoverResult> {
  const vm = input.target === undefined ? undefined : await vmOf(ctx, input.target, input.cwd);
  const unfinished = await ctx.store.unfinished(vm);
  if (input.listOnly) return { operations: unfinished };
  const done: UnfinishedOperation[] = [];
  for (const name of new Set(unfinished.map((operation) => operation.vm))) {
    done.push(...(await ctx.store.withLock(name, ctx.io, () => ctx.store.recover(name, ctx.io))));
  }
  return { operations: done };
}

/** An interrupted VM may have nothing but a journal: its name is enough. */
async function vmOf(ctx: Ctx, target: string, cwd: string): Promise<VmName> {
  const named = (await ctx.store.unfinished()).find((operation) => operation.vm === target);
  return named?.vm ?? findVm(ctx, target, cwd);
}
