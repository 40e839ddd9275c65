import type { Ctx } from '../core/ctx.ts';
import type { VmName } from '../core/name.ts';
import { type StartResult, start } from './start.ts';
import { findVm } from './target.ts';
import { withVm } from './vm-state.ts';

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

/** Stops a VM: asks its guest, waits 30 s, then forces. A stopped one is left as it is. */
export async function stop(ctx: Ctx, input: StopInput): Promise<StopResult> {
  const name = await findVm(ctx, input.target, input.cwd);
  return withVm(ctx, name, () => stopMachine(ctx, name, input.force));
}

/** Stops and starts a VM; a stopped one is started. Returns when it is ready again. */
export async function restart(
  ctx: Ctx,
  input: StopInput & { wait: boolean },
): Promise<StartResult> {
  const { name } = await stop(ctx, input);
  return start(ctx, { target: name, cwd: input.cwd, wait: input.wait, trust: false });
}

async function stopMachine(ctx: Ctx, name: VmName, force: boolean): Promise<StopResult> {
  const record = await ctx.store.read(name).catch(() => undefined);
  const driver = await ctx.driver(record?.plan.driver ?? 'qemu');
  ctx.io.emit({
    kind: 'phase',
    id: 'stop',
    title: force ? `Stopping ${name} at once` : `Asking ${name} to power off`,
  });
  return { name, outcome: await driver.stop(name, ctx.io, { grace: force ? 0 : grace }) };
}
