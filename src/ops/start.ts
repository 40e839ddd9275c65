import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmRecord } from '../core/record.ts';
import { bootMachine, settle } from './boot.ts';
import { proveCommand, secondsSince, type Timings } from './create-vm.ts';
import { waitForPorts } from './ready.ts';
import { readStatus, type VmStatus } from './status.ts';
import { findVm, loadVm } from './target.ts';
import { readVmState, withVm } from './vm-state.ts';

export interface StartResult {
  readonly outcome: 'started' | 'unchanged';
  readonly vm: VmStatus;
  readonly timings: Timings;
  readonly path: 'disk';
  readonly pathReason: string;
}

/** Boots a VM that exists and waits until it is ready. The VM's lock must be held; on failure it is stopped again. */
export async function startVm(
  ctx: Ctx,
  record: VmRecord,
  options: { wait: boolean },
): Promise<{ timings: Timings }> {
  const driver = await ctx.driver(record.plan.driver);
  await driver.grow(ctx.store.paths.vm(record.name).disk, record.plan.disk, ctx.io);
  const booted = await bootMachine(ctx, record, { keepOnFailure: false });
  const timings: Timings = { t_agent: secondsSince(ctx) };
  try {
    ctx.io.emit({ kind: 'phase', id: 'shares', title: 'Checking the shared directories' });
    await settle(ctx, booted);
    await proveCommand(ctx, booted);
    timings.t_command = secondsSince(ctx);
    if (options.wait) {
      await waitForPorts(ctx, booted.record, booted.guest);
      timings.t_ports = secondsSince(ctx);
    }
  } catch (error) {
    // A port that does not answer leaves a machine worth looking at; anything before that is no start.
    if (timings.t_command === undefined) {
      await driver.stop(
        record.name,
        { ...ctx.io, signal: AbortSignal.timeout(30_000) },
        { grace: 0 },
      );
    }
    throw error;
  } finally {
    await booted.guest.close();
  }
  return { timings };
}

/** Starts a VM by name or project. A running one is left as it is. Fails with `guest-failed` for a broken one. */
export async function start(
  ctx: Ctx,
  input: { target: string | undefined; cwd: string; wait: boolean },
): Promise<StartResult> {
  const name = await findVm(ctx, input.target, input.cwd);
  const pathReason = 'its own disk';
  return withVm(ctx, name, async () => {
    const record = await loadVm(ctx, name, input.cwd);
    const state = await readVmState(ctx, name, record);
    if (state.kind === 'broken') {
      throw new CloneboxError('guest-failed', `${name} is broken: ${state.reason}`, {
        hint: `Make it anew: clonebox clone ${record.plan.project ?? ''} --replace; or remove it: clonebox delete ${name}`,
        facts: { vm: name, reason: state.reason },
      });
    }
    if (state.kind === 'paused') {
      throw new CloneboxError(
        'hypervisor-failed',
        `${name} is paused, by an I/O error of its disk or from outside`,
        {
          hint: `Free some disk space, then: clonebox restart ${name}`,
          facts: { vm: name },
        },
      );
    }
    if (state.kind === 'running' || state.kind === 'starting') {
      return {
        outcome: 'unchanged',
        vm: await readStatus(ctx, record),
        timings: {},
        path: 'disk',
        pathReason,
      };
    }
    const { timings } = await startVm(ctx, record, { wait: input.wait });
    const current = (await ctx.store.read(name)) ?? record;
    return {
      outcome: 'started',
      vm: await readStatus(ctx, current),
      timings,
      path: 'disk',
      pathReason,
    };
  });
}
