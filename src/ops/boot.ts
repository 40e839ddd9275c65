import type { Ctx } from '../core/ctx.ts';
import type { Driver, MachineSpec, Started } from '../core/driver.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import type { SetupInput } from '../core/setup.ts';
import { withDeadline } from '../lib/deadline.ts';
import { parseDuration } from '../lib/duration.ts';
import { machineSpec } from './machine-spec.ts';
import { handOverSecrets } from './secrets/hand-over.ts';
import { closeRotation } from './secrets/rotate-key.ts';
import { openSources } from './share-sources.ts';
import { openTunnels } from './tunnels.ts';
import { consoleLines, type WatchedMachine, whileAlive } from './watch-machine.ts';

/** A machine that answers: its guest channel is open, and `record` has the ports it really got. */
export interface Booted extends WatchedMachine {
  readonly record: VmRecord;
  readonly started: Started;
  readonly guest: Guest;
  readonly setup: SetupInput;
}

/** What a machine comes from when it does not boot: a kept memory, or one of the pool, which has another name so far. */
export type Source =
  | { readonly kind: 'memory'; readonly memory: NonNullable<MachineSpec['resume']> }
  | { readonly kind: 'pool'; readonly member: VmName };

/** How long a guest may take to answer, in milliseconds. Emulated guests are ten times slower. */
const bootTimeouts = { kvm: 120_000, tcg: 600_000 };

/** Starts the machine of a record, as `startMachine`, and waits until its guest answers. */
export async function bootMachine(ctx: Ctx, record: VmRecord, source?: Source): Promise<Booted> {
  const booted = await startMachine(ctx, record, source);
  try {
    await waitForGuest(ctx, booted);
    return booted;
  } catch (error) {
    await booted.guest.close();
    throw error;
  }
}

/**
 * Starts the machine of a record: its guest may not answer yet. A port that was taken meanwhile is leased anew. On failure
 * the machine is left for the caller's journal to stop; the record is written when its ports have changed.
 */
export async function startMachine(ctx: Ctx, record: VmRecord, source?: Source): Promise<Booted> {
  const { io } = ctx;
  const driver = await ctx.driver(record.plan.driver);
  io.emit({ kind: 'phase', id: 'start', title: 'Starting the machine' });
  const sources = await openSources(ctx, record);
  const { serialLog, disk } = ctx.store.paths.vm(record.name);
  const serialFrom = (await ctx.host.files.facts(serialLog))?.size ?? 0;
  const { record: current, started } = await startWithFreePorts(ctx, driver, { record, source });
  const title = source
    ? "Going on from the template's memory"
    : `Booting (${started.accel.accel.toUpperCase()})`;
  io.emit({ kind: 'phase', id: 'boot', title });
  const guest = await ctx.openGuest(record.name);
  const watched = { name: record.name, driver, disk, serialLog, serialFrom };
  const setup: SetupInput = {
    plan: current.plan,
    record: current,
    guest,
    shareDriver: started.shareDriver,
    helper: current.template && driver.channels(record.name).helper,
    sources,
  };
  return { ...watched, record: current, started, guest, setup };
}

async function startWithFreePorts(
  ctx: Ctx,
  driver: Driver,
  { record, source }: { record: VmRecord; source: Source | undefined },
): Promise<{ record: VmRecord; started: Started }> {
  const facts = await driver.preflight(ctx.io);
  const [problem] = facts.problems;
  if (problem !== undefined) {
    throw new CloneboxError('host-unable', problem.what, {
      hint: `${problem.fix}. More: clonebox doctor`,
      facts: { problems: facts.problems },
    });
  }
  const wanted = record.plan.shareDriver;
  const readOnly = record.plan.shares.some((share) => share.mode === 'ro');
  const able = !readOnly || facts.shares.readOnly;
  // The slots of a kept memory are 9p.
  const usual = able && source === undefined ? facts.shares.driver : '9p';
  const shareDriver = wanted === 'auto' ? usual : wanted;
  let current = record;
  for (let attempt = 0; ; attempt++) {
    try {
      return {
        record: current,
        started: await startFrom(ctx, driver, {
          spec: machineSpec(ctx, current, shareDriver),
          source,
        }),
      };
    } catch (error) {
      if (!isCloneboxError(error, 'conflict') || !Array.isArray(error.facts.ports) || attempt >= 5)
        throw error;
      current = await leaseAgain(ctx, current);
      ctx.io.emit({ kind: 'note', text: `${error.message}; another one was taken` });
    }
  }
}

function startFrom(
  { io }: Ctx,
  driver: Driver,
  { spec, source }: { spec: MachineSpec; source: Source | undefined },
): Promise<Started> {
  if (source === undefined) return driver.start(spec, io);
  if (source.kind === 'memory') return driver.start({ ...spec, resume: source.memory }, io);
  if (driver.memory === undefined) throw new Error(`${driver.name} keeps no memory`);
  return driver.memory.adopt(source.member, spec, io);
}

/** Leases the ports of a VM anew: those still free stay, a taken one moves on. */
async function leaseAgain(ctx: Ctx, record: VmRecord): Promise<VmRecord> {
  await ctx.store.release(record.name, ctx.io);
  const leases = await ctx.store.lease(record.name, record.leases, ctx.io);
  const next = { ...record, leases };
  await ctx.store.write(next);
  return next;
}

/** Waits until the guest of a started machine answers. Fails with the last lines of its console. */
export async function waitForGuest(
  ctx: Ctx,
  machine: WatchedMachine & { started: Started; guest: Guest },
): Promise<void> {
  const timeout = bootTimeout(ctx, machine.started);
  const silent = () =>
    new CloneboxError(
      'guest-failed',
      `the guest did not answer within ${Math.round(timeout / 1000)} s`,
    );
  const io = withDeadline(ctx.io, timeout, silent);
  try {
    await whileAlive(ctx, machine, { io, action: (inner) => machine.guest.waitReady(inner) });
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    const serial = await consoleLines(ctx, machine);
    if (!isCloneboxError(error)) throw error;
    throw new CloneboxError(
      error.code,
      `${error.message}${serial ? `\nThe last lines of its console:\n${serial}` : ''}`,
      {
        hint: error.hint ?? 'Look closer: clonebox clone … --keep-failed, then clonebox console',
        facts: { ...error.facts, phase: 'boot', serial },
        cause: error,
      },
    );
  } finally {
    io.dispose();
  }
}

function bootTimeout(ctx: Ctx, started: Started): number {
  const override = ctx.host.env.CLONEBOX_BOOT_TIMEOUT;
  if (!override) return bootTimeouts[started.accel.accel];
  try {
    return parseDuration(override);
  } catch (cause) {
    throw new CloneboxError('usage', `CLONEBOX_BOOT_TIMEOUT: "${override}" ${reasonOf(cause)}`, {
      hint: 'Set it to for example 5m, or unset it.',
      cause,
    });
  }
}

/** Everything of a later start: shares as recorded, mounted and checked; tunnels to the host's named ports. */
export async function settle(ctx: Ctx, booted: Booted): Promise<void> {
  await ctx.setup.verifyShares(booted.setup, ctx.io);
  await closeRotation(ctx, booted.setup, ctx.io);
  await openTunnels(ctx, booted.record, booted.guest);
  await handOverSecrets(ctx, booted.setup);
}
