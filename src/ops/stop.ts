import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import { changeVm, operation } from './operation.ts';
import { type StartResult, start } from './start.ts';
import { findVm, named } from './target.ts';
import { noTrust } from './trust.ts';

export interface StopResult {
  readonly name: VmName;
  readonly outcome: 'graceful' | 'forced' | 'was-stopped';
}

/** Milliseconds a guest has to power off by itself before the plug is pulled. */
const grace = 30_000;

interface StopInput {
  readonly target: string | undefined;
  readonly cwd: string;
  readonly force: boolean;
}

/**
 * Stops a VM: asks its guest, waits 30 s, then forces. A stopped one is left as it is. Interrupted, the guest goes on
 * powering off, and the next command on the VM sees to it.
 */
export function stop(ctx: Ctx, input: StopInput): Promise<StopResult> {
  const begin = { event: 'vm.stop', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const name = await findVm(op.ctx, input.target, input.cwd);
    return changeVm(op, name, async (journal): Promise<StopResult> => {
      const { io, store } = op.ctx;
      const record = await store.read(name).catch(() => undefined);
      const driverName = record?.plan.driver ?? 'qemu';
      const driver = await op.ctx.driver(driverName);
      const options = { grace: input.force ? 0 : grace };
      const title = input.force ? `Stopping ${name} at once` : `Asking ${name} to power off`;
      io.emit({ kind: 'phase', id: 'stop', title });
      const outcome = await journal.finish(
        'its machine off',
        { kind: 'stop-machine', driver: driverName, name, ...options },
        () => driver.stop(name, io, options),
      );
      if (outcome === 'was-stopped') op.skipped();
      return { name, outcome };
    });
  });
}

/** Stops and starts a VM; a stopped one is started. Returns when it is ready again. */
export function restart(ctx: Ctx, input: StopInput & { wait: boolean }): Promise<StartResult> {
  const begin = { event: 'vm.restart', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const { name } = await stop(op.ctx, input);
    op.about({ type: 'vm', name });
    return start(op.ctx, { target: name, cwd: input.cwd, wait: input.wait, trust: noTrust });
  });
}
