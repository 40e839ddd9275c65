import type { Ctx } from '../core/ctx.ts';
import type { MachineState } from '../core/driver.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';

/** What a user is told a VM is: the machine's own state, or why it is not whole. */
export type VmState = MachineState | { readonly kind: 'creating' };

/** The state of a VM from its record, its lock, and the machine itself. Takes no lock and never waits for one. */
export async function readVmState(
  ctx: Ctx,
  name: VmName,
  record: VmRecord | undefined,
): Promise<VmState> {
  if (record === undefined) {
    if (await ctx.store.isLocked(name)) return { kind: 'creating' };
    return { kind: 'broken', reason: 'it has no readable record' };
  }
  if (record.phase === 'creating') {
    if (record.failure !== undefined) return { kind: 'broken', reason: record.failure };
    if (await ctx.store.isLocked(name)) return { kind: 'creating' };
    const [unfinished] = await ctx.store.unfinished(name);
    return {
      kind: 'broken',
      reason: `its creation was interrupted${unfinished ? ` (${unfinished.lastStep})` : ''}; the next command on it undoes what was made`,
    };
  }
  const driver = await ctx.driver(record.plan.driver);
  return driver.inspect(name, ctx.io);
}

/** True when the machine has a process: running, starting or paused. */
export function isUp(state: VmState): boolean {
  return state.kind === 'running' || state.kind === 'starting' || state.kind === 'paused';
}
