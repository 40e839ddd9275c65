import type { Ctx } from '../core/ctx.ts';
import { parseVmName, type VmName } from '../core/name.ts';
import type { TrashEntry, UnfinishedOperation } from '../core/store.ts';
import { type DeleteInput, deleteVm } from './delete.ts';
import { changeVm, operation } from './operation.ts';
import { findTarget, findVm, named } from './target.ts';

export interface RecoverResult {
  /** What a crash had left and was settled; with `listOnly`, what is still there. */
  readonly operations: readonly UnfinishedOperation[];
  /** VMs that came back from the trash; with `listOnly`, those that could. */
  readonly trash: readonly { readonly name: VmName; readonly deleted: string }[];
}

/** What interrupted operations left, and what is in the trash. Changes nothing. */
export async function listRecoverable(ctx: Ctx): Promise<RecoverResult> {
  const trash = await ctx.store.listTrash();
  return { operations: await ctx.store.unfinished(), trash: trash.map(shown) };
}

/** Takes back, or brings to its end, what interrupted operations left. With nothing to do it changes nothing. */
export async function recoverAll(ctx: Ctx): Promise<RecoverResult> {
  const unfinished = await ctx.store.unfinished();
  const done: UnfinishedOperation[] = [];
  for (const vm of new Set(unfinished.map((operation) => operation.vm))) {
    const settle = () => ctx.store.recover(vm ?? undefined, ctx.io);
    done.push(...(await (vm === null ? settle() : ctx.store.withLock(vm, ctx.io, settle))));
  }
  // Also for the drafts and the ended journals of a crash that left nothing else.
  done.push(...(await ctx.store.recover(undefined, ctx.io)));
  return { operations: done, trash: [] };
}

/**
 * Settles what a crash left of one VM, named by its own name, by an operation, or by its project; a deleted VM comes
 * back from the trash, with `replace` also in the place of a VM that has its name by now, which goes to the trash.
 * Fails with `not-found` when there is nothing of the kind.
 */
export async function recover(
  ctx: Ctx,
  input: { target: string; cwd: string; replace: boolean; confirm: DeleteInput['confirm'] },
): Promise<RecoverResult> {
  const vm = await whichVm(ctx, input);
  if (vm === undefined) {
    return { operations: await ctx.store.recover(undefined, ctx.io), trash: [] };
  }
  const operations = await ctx.store.withLock(vm, ctx.io, () => ctx.store.recover(vm, ctx.io));
  const isThere = (await ctx.store.names()).includes(vm);
  const entry = (await ctx.store.listTrash()).findLast(({ name }) => name === vm);
  if (entry === undefined || operations.length > 0) return { operations, trash: [] };
  if (isThere) {
    if (!input.replace) {
      const text = `an earlier ${vm} is in the trash; to have it in the place of this one: clonebox recover ${vm} --replace`;
      ctx.io.emit({ kind: 'note', text });
      return { operations, trash: [] };
    }
    const { confirm, cwd } = input;
    const { outcome } = await deleteVm(ctx, { target: vm, cwd, purge: false, confirm });
    if (outcome === 'kept') return { operations, trash: [] };
  }
  await restore(ctx, entry);
  return { operations, trash: [shown(entry)] };
}

/** Brings a VM back from the trash, as it was but stopped; ports that another VM has by now are leased anew at start. */
function restore(ctx: Ctx, { name, path }: TrashEntry): Promise<void> {
  return operation(ctx, { event: 'vm.restore', target: named(name) }, (op) =>
    changeVm(op, name, (journal) =>
      journal.finish('back from the trash', { kind: 'restore-vm', name, from: path }, () =>
        op.ctx.store.restore(name, path, op.ctx.io),
      ),
    ),
  );
}

/** An interrupted VM may have nothing but a journal, a deleted one only its place in the trash. `undefined`: no VM's. */
async function whichVm(
  ctx: Ctx,
  { target, cwd }: { target: string; cwd: string },
): Promise<VmName | undefined> {
  const named = (await ctx.store.unfinished()).find(
    (operation) => operation.vm === target || operation.id === target,
  );
  if (named !== undefined) return named.vm ?? undefined;
  const trashed = (await ctx.store.listTrash()).some(({ name }) => name === target);
  if (trashed) return parseVmName(target);
  const project = await projectInTrash(ctx, target, cwd);
  return project ?? findVm(ctx, target, cwd);
}

/** A project directory whose VM is in the trash. */
async function projectInTrash(ctx: Ctx, target: string, cwd: string): Promise<VmName | undefined> {
  const found = await findTarget(ctx, target, cwd).catch(() => undefined);
  if (found?.kind !== 'project' || found.existing !== undefined) return undefined;
  for (const entry of (await ctx.store.listTrash()).toReversed()) {
    const text = await ctx.host.files.readText(`${entry.path}/record.json`);
    if (text?.includes(JSON.stringify(found.directory))) return entry.name;
  }
  return undefined;
}

function shown({ name, deleted }: TrashEntry): RecoverResult['trash'][number] {
  return { name, deleted: new Date(deleted).toISOString() };
}
