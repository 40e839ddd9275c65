import type { Ctx } from '../core/ctx.ts';
import { reasonOf } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import { findVm } from './target.ts';
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

/** How long a deleted VM can be brought back: 24 hours, in milliseconds. */
const trashAge = 24 * 60 * 60 * 1000;

/**
 * Deletes a VM: its directory goes to the trash for 24 hours, its name and ports are free at once. With `purge`
 * nothing that names it is left but log and audit. The project's own files are never touched.
 */
export async function deleteVm(ctx: Ctx, input: DeleteInput): Promise<DeleteResult> {
  const name = await findVm(ctx, input.target, input.cwd);
  const outcome = await ctx.store.withLock(
    name,
    ctx.io,
    async (): Promise<DeleteResult['outcome']> => {
      // Deleting is the way out of a VM whose undo fails: it must not stop here.
      await ctx.store.recover(name, ctx.io).catch((error: unknown) => {
        ctx.io.log.warn('vm.delete.unrecovered', { vm: name, reason: reasonOf(error) });
      });
      const record = await ctx.store.read(name).catch(() => undefined);
      const state = await readVmState(ctx, name, record);
      if (isUp(state) && !(await input.confirm(`${name} is running. Stop and delete it?`)))
        return 'kept';
      const driver = await ctx.driver(record?.plan.driver ?? 'qemu');
      await driver.stop(name, ctx.io, { grace: 0 });
      await driver.remove(name, ctx.io);
      if ((await ctx.store.names()).includes(name) && !input.purge) {
        await ctx.store.trash(name, ctx.store.trashPlace(name));
        return 'trashed';
      }
      await ctx.store.purge(name);
      return 'purged';
    },
  );
  await ctx.store.emptyTrash(trashAge);
  return { name, outcome };
}
