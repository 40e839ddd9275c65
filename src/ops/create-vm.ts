import { randomBytes, randomUUID } from 'node:crypto';
import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import type { Journal } from '../core/store.ts';
import { type Booted, bootMachine } from './boot.ts';
import { openTunnels } from './tunnels.ts';
import { whileAlive } from './watch-machine.ts';

/** Seconds since the command started; `t_ports` is missing when nobody waited for ports. */
export interface Timings {
  t_agent?: number;
  t_command?: number;
  t_ports?: number;
}

export interface Created {
  readonly booted: Booted;
  readonly timings: Timings;
}

/**
 * Makes a VM from a plan and proves it: image, disk, keys, first boot, provisioning, a first command. Every step is in
 * the journal before it is done; on any failure, Ctrl-C or crash all of it is taken back, or, with `keepFailed`, kept
 * and marked with its reason. The VM's lock must be held. Returns with the machine running.
 */
export async function createVm(
  ctx: Ctx,
  plan: VmPlan,
  options: {
    keepFailed: boolean;
    operation: string;
    overrides: Overrides;
    journal?: Journal;
    parts?: Parts;
  },
): Promise<Created> {
  const { io, store } = ctx;
  const paths = store.paths.vm(plan.name);
  const { driver, facts, reference, image } = options.parts ?? (await gather(ctx, plan));
  const journal = options.journal ?? (await store.beginJournal(options.operation, plan.name));
  let record: VmRecord | undefined;
  let booted: Booted | undefined;
  try {
    io.emit({ kind: 'phase', id: 'disk', title: 'Making the disk' });
    await journal.step('its directory', { kind: 'remove-path', path: paths.directory }, () =>
      ctx.host.files.makeDirectory(paths.directory),
    );
    const leases = await journal.step(
      'its ports',
      { kind: 'release-leases', name: plan.name },
      () => store.lease(plan.name, wantedPorts(plan), io),
    );
    tellMovedPorts(ctx, plan, leases);
    record = newRecord(plan, {
      reference,
      image,
      facts,
      leases,
      now: ctx.host.now(),
      overrides: options.overrides,
    });
    await store.write(record);
    // A disk smaller than its base would cut the file system off.
    const { virtual } = await driver.measure(image.disk, io);
    await driver.create(
      { path: paths.disk, base: image.disk, size: Math.max(plan.disk, virtual) },
      io,
    );
    await ctx.prepareFirstBoot(record);

    const creating = record;
    booted = await journal.step(
      'its machine',
      { kind: 'stop-machine', driver: plan.driver, name: plan.name },
      () => bootMachine(ctx, creating, { keepOnFailure: options.keepFailed }),
    );
    record = booted.record;
    const timings: Timings = { t_agent: secondsSince(ctx) };
    await setUp(ctx, booted);
    timings.t_command = secondsSince(ctx);

    const ready: VmRecord = { ...record, phase: 'ready' };
    await store.write(ready);
    await ctx.host.files.remove(paths.hostKey);
    await ctx.host.files.remove(`${paths.hostKey}.pub`);
    await ctx.host.files.remove(paths.seed);
    await journal.commit();
    return { booted: { ...booted, record: ready }, timings };
  } catch (error) {
    await booted?.guest.close();
    if (options.keepFailed && record !== undefined && !io.signal.aborted) {
      const kept = await keep(ctx, record, { journal, error }).catch(() => undefined);
      if (kept !== undefined) throw kept;
    }
    throw await takeBack(ctx, journal, error);
  }
}

/** Makes a booted image the machine of its plan. */
async function setUp(ctx: Ctx, booted: Booted): Promise<void> {
  const workstation = await ctx.setup.workstation(ctx.io);
  await whileAlive(ctx, booted, {
    io: ctx.io,
    action: async (io) => {
      await ctx.setup.provision(booted.setup, workstation, io);
      await openTunnels(ctx, booted.record, booted.guest);
      // What was set up is on the disk, whatever happens to the machine from now on.
      await proveCommand(ctx, booted, ['sync']);
    },
  });
}

/** Says which of the ports that were asked for somebody else has. */
function tellMovedPorts(ctx: Ctx, plan: VmPlan, leases: VmRecord['leases']): void {
  for (const { guest, host } of plan.ports) {
    const lease = leases.find((one) => one.guest === guest);
    if (host === undefined || lease === undefined || lease.host === host) continue;
    ctx.io.emit({
      kind: 'note',
      text: `port ${host} is taken: 127.0.0.1:${lease.host} leads to port ${guest} of the guest`,
    });
  }
}

export type Parts = Awaited<ReturnType<typeof gather>>;

/** What must be there before anything of the VM is made: a driver that can, and the image. */
export async function gather(ctx: Ctx, plan: VmPlan) {
  const driver = await ctx.driver(plan.driver);
  const facts = await driver.preflight(ctx.io);
  const [problem] = facts.problems;
  if (problem !== undefined) {
    throw new CloneboxError('host-unable', problem.what, {
      hint: `${problem.fix}. More: clonebox doctor`,
      facts: { problems: facts.problems },
    });
  }
  const reference = plan.image === 'auto' ? await ctx.images.resolveAuto(ctx.io) : plan.image;
  const image = await ctx.images.ensure(reference, ctx.io);

  return { driver, facts, reference, image };
}

/** The host port tried first for a guest port that names none: the same number, where no root is needed. */
export function ownNumber(guest: number): number | undefined {
  return guest >= 1024 ? guest : undefined;
}

/** The ssh port, and those of the plan: a port that names no host port gets its own number if that is free here. */
export function wantedPorts(
  plan: VmPlan,
): { name: string; guest: number; host: number | undefined }[] {
  return [
    ...(plan.ports.some((port) => port.guest === 22)
      ? []
      : [{ name: 'ssh', guest: 22, host: undefined }]),
    ...plan.ports.map((port) => ({ ...port, host: port.host ?? ownNumber(port.guest) })),
  ];
}

/** Runs a first command as the user: the machine counts as created only when that works. */
export async function proveCommand(ctx: Ctx, booted: Booted, argv = ['true']): Promise<void> {
  const { plan } = booted.record;
  const result = await booted.guest.exec(argv, ctx.io, {
    user: plan.user.name,
    timeout: 120_000,
  });
  if (result.exitCode !== 0) {
    throw new CloneboxError(
      'guest-failed',
      `a first command as ${plan.user.name} failed with status ${result.exitCode}: ${result.stderr.trim()}`,
      {
        facts: { phase: 'command' },
      },
    );
  }
}

/** Seconds since the user's command started, to the millisecond. */
export function secondsSince(ctx: Ctx): number {
  return Math.round(ctx.host.now() - ctx.startedAt) / 1000;
}

function newRecord(
  plan: VmPlan,
  made: {
    reference: string;
    image: Awaited<ReturnType<Ctx['images']['ensure']>>;
    facts: { machine: string | undefined; layout: number };
    leases: VmRecord['leases'];
    now: number;
    overrides: Overrides;
  },
): VmRecord {
  const { image } = made;
  return {
    version: 1,
    name: plan.name,
    uuid: randomUUID(),
    // Locally administered, QEMU's own prefix.
    mac: `52:54:00${[...randomBytes(3)].map((byte) => `:${byte.toString(16).padStart(2, '0')}`).join('')}`,
    created: new Date(made.now).toISOString(),
    phase: 'creating',
    // What `auto` meant is written down: a later reading of the file does not ask again.
    plan: { ...plan, image: made.reference },
    image: {
      reference: made.reference,
      digest: image.digest,
      setup: image.setup,
      boot: image.boot,
    },
    layout: made.facts.layout,
    machine: made.facts.machine ?? '',
    leases: made.leases,
    overrides: stored(made.overrides),
  };
}

/** What the command line said, for the record: it goes on to hold when the file is read again. */
export function stored(overrides: Overrides): Record<string, string | number> {
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}

async function keep(
  ctx: Ctx,
  record: VmRecord,
  { journal, error }: { journal: Journal; error: unknown },
): Promise<unknown> {
  await ctx.store.write({ ...record, failure: reasonOf(error).split('\n')[0] ?? 'unknown' });
  await journal.commit();
  if (!isCloneboxError(error)) return error;
  return new CloneboxError(error.code, error.message, {
    hint: `${record.name} was kept as it is: clonebox ssh ${record.name}, clonebox logs ${record.name}; remove it with clonebox delete ${record.name}`,
    facts: { ...error.facts, kept: record.name },
    cause: error,
  });
}

/** Undoes the journal; what cannot be undone is added to the error and never hides it. */
export async function takeBack(ctx: Ctx, journal: Journal, error: unknown): Promise<unknown> {
  ctx.io.emit({ kind: 'phase', id: 'rollback', title: 'Taking back what was made' });
  // The operation's own signal may be what ended it.
  const io = { ...ctx.io, signal: AbortSignal.timeout(60_000) };
  const left = await journal.rollback(io).catch((failure: unknown) => [reasonOf(failure)]);
  if (left.length === 0) return error;
  const note = `not everything could be taken back: ${left.join('; ')}`;
  ctx.io.emit({ kind: 'warning', text: note });
  return error;
}
