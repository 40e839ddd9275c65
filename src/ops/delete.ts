import type { Ctx } from '../core/ctx.ts';
import { reasonOf } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import { uninterrupted } from '../core/quiet-io.ts';
import { isFull, journaled, type Operation, operation } from './operation.ts';
import { endPool } from './pool/end.ts';
import { findVm, named } from './target.ts';
import { isUp, readVmState } from './vm-state.ts';

export interface DeleteInput {
  readonly target: string | undefined;
  readonly cwd: string;
  /** Remove for good, not to the trash. */
  readonly purge: boolean;
  /** Asked when the VM runs; false keeps it. */
  readonly confirm: (question: string) => Promise<boolean>;
}

export interface DeleteResult {
  readonly name: VmName;
  readonly outcome: 'trashed' | 'purged' | 'kept';
}

/**
 * Deletes a VM: its directory goes to the trash for 24 hours, its name and ports are free at once. With `purge`
 * nothing that names it is left but log and audit; that also goes for one in the trash. Once it has begun it is brought
 * to its end, after an interrupt too. The project's own files are never touched.
 */
export function deleteVm(ctx: Ctx, input: DeleteInput): Promise<DeleteResult> {
  const begin = { event: 'vm.delete', target: named(input.target), makesRoom: true } as const;
  return operation(ctx, begin, async (op) => {
    const name = await findDeletable(op.ctx, input);
    op.about({ type: 'vm', name });
    const outcome = await op.ctx.store.withLock(name, op.ctx.io, async () => {
      await recoverOrForget(op.ctx, name);
      return deleteLocked(op, name, input);
    });
    if (outcome === 'kept') op.skipped();
    else op.note({ purged: outcome === 'purged' });
    return { name, outcome };
  });
}

async function deleteLocked(
  op: Operation,
  name: VmName,
  input: DeleteInput,
): Promise<DeleteResult['outcome']> {
  const { ctx } = op;
  const { io, store } = ctx;
  const record = await store.read(name).catch(() => undefined);
  const state = await readVmState(ctx, name, record);
  if (isUp(state) && !(await input.confirm(`${name} is running. Stop and delete it?`))) {
    return 'kept';
  }
  const driver = record?.plan.driver ?? 'qemu';
  const isThere = (await store.names()).includes(name);
  if (isThere && !input.purge) {
    const to = store.trashPlace(name);
    const trash = { driver, name, to };
    const finish = { kind: 'trash-vm', ...trash } as const;
    await journaled(
      op,
      (journal) => journal.finish('into the trash', finish, () => trashVm(ctx, trash)),
      name,
    );
    return 'trashed';
  }
  const finish = { kind: 'purge-vm', driver, name } as const;
  try {
    await journaled(
      op,
      (journal) => journal.finish('gone for good', finish, () => purgeVm(ctx, finish)),
      name,
    );
  } catch (error) {
    if (!isFull(error)) throw error;
    // Not one block left for the journal. Removing begins with a rename: cut short, the VM is in the trash.
    io.log.warn('vm.delete.unjournaled', { vm: name });
    await purgeVm(ctx, finish);
  }
  return 'purged';
}

/** Stops a VM's machine and moves it to the trash. May be repeated; an interrupt does not end it. */
export async function trashVm(
  ctx: Ctx,
  { driver, name, to }: { driver: string; name: VmName; to: string },
): Promise<void> {
  await removeMachine(ctx, driver, name);
  await ctx.store.trash(name, to);
}

/** Stops a VM's machine and removes everything that names the VM. May be repeated; an interrupt does not end it. */
export async function purgeVm(
  ctx: Ctx,
  { driver, name }: { driver: string; name: VmName },
): Promise<void> {
  await removeMachine(ctx, driver, name);
  await endPool(ctx, name);
  await ctx.store.purge(name);
}

async function removeMachine(ctx: Ctx, driverName: string, name: VmName): Promise<void> {
  const io = uninterrupted(ctx.io);
  const driver = await ctx.driver(driverName);
  await driver.stop(name, io, { grace: 0 });
  await driver.remove(name, io);
}

/** Deleting is the way out of a VM whose undo fails: it must not stop here. */
async function recoverOrForget(ctx: Ctx, name: VmName): Promise<void> {
  try {
    await ctx.store.recover(name, ctx.io);
  } catch (error) {
    ctx.io.log.warn('vm.delete.unrecovered', { vm: name, reason: reasonOf(error) });
    await ctx.store.forget(name);
  }
}

/** The VM that is meant; for `--purge` it may be one that is only in the trash. */
async function findDeletable(ctx: Ctx, input: DeleteInput): Promise<VmName> {
  try {
    return await findVm(ctx, input.target, input.cwd);
  } catch (error) {
    const trashed = input.purge ? await ctx.store.listTrash() : [];
    const found = trashed.find((entry) => entry.name === input.target);
    if (found === undefined) throw error;
    return found.name;
  }
}
