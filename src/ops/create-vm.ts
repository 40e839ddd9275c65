import { randomBytes, randomUUID } from 'node:crypto';
import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import type { Secret } from '../core/secret.ts';
import type { Journal } from '../core/store.ts';
import { type Booted, bootMachine } from './boot.ts';
import { closeEgress, openAllowlist, requireClosable } from './egress.ts';
import { readLoginKeys } from './login-keys.ts';
import { setLoginPassword } from './login-password.ts';
import { operation } from './operation.ts';
import { handOverSecrets } from './secrets/hand-over.ts';
import { openTunnels } from './tunnels.ts';
import { whileAlive } from './watch-machine.ts';

/** Seconds since the command started; `t_ports` is missing when nobody waited for ports. */
export interface Timings {
  t_agent?: number;
  t_command?: number;
  t_ports?: number;
}

export interface NewVm {
  readonly journal: Journal;
  /** The name it is kept under: the plan's own, or that of a VM built beside the one it will replace. */
  readonly name: VmName;
  readonly overrides: Overrides;
  /** Where the password of `vm.auth.method: password` comes from. */
}

export interface Created {
  readonly booted: Booted;
  readonly timings: Timings;
  /** To be shown once the VM is whole. */
  readonly password: Secret | undefined;
}

/**
 * Makes a VM from a plan and proves it: image, disk, keys, first boot, provisioning, a first command. Every step is in
 * the journal before it is done. The VM's lock must be held. Returns with the machine running and its record still
 * `creating`: the caller says when it is `ready`.
 */
export async function createVm(ctx: Ctx, asked: VmPlan, made: NewVm): Promise<Created> {
  const { io, store } = ctx;
  const { journal, name } = made;
  const plan = { ...asked, authorizedKeys: await readLoginKeys(ctx, asked) };
  const paths = store.paths.vm(name);
  const parts = await journal.step('its image', { kind: 'sweep-images' }, () => gather(ctx, plan));
  const { driver, image } = parts;
  io.emit({ kind: 'phase', id: 'disk', title: 'Making the disk' });
  const own = (path: string) => ({ kind: 'remove-path', path }) as const;
  await journal.step('its directory', own(paths.directory), () =>
    ctx.host.files.makeDirectory(paths.directory),
  );
  const leases = await journal.step('its ports', { kind: 'release-leases', name }, () =>
    store.lease(name, wantedPorts(plan), io),
  );
  if (name === plan.name) tellMovedPorts(ctx, plan, leases);
  const record = newRecord(plan, { ...made, ...parts, leases, now: ctx.host.now() });
  await journal.step('its record', own(paths.record), () => store.write(record));
  await journal.step('its disk', own(paths.disk), async () => {
    // A disk smaller than its base would cut the file system off.
    const { virtual } = await driver.measure(image.disk, io);
    const size = Math.max(plan.disk, virtual);
    await driver.create({ path: paths.disk, base: image.disk, size }, io);
  });
  await journal.step('its keys', own(paths.key), () => makeKeys(ctx, record));
  const booted = await journal.step(
    'its machine',
    { kind: 'stop-machine', driver: plan.driver, name },
    () => bootMachine(ctx, record),
  );
  try {
    const timings: Timings = { t_agent: secondsSince(ctx) };
    const password = await setUp(ctx, booted);
    timings.t_command = secondsSince(ctx);
    return { booted, timings, password };
  } catch (error) {
    await booted.guest.close();
    throw error;
  }
}

function makeKeys(ctx: Ctx, record: VmRecord): Promise<void> {
  const target = { type: 'vm', name: record.plan.name } as const;
  return operation(ctx, { event: 'auth.ssh_key.generated', target }, (op) =>
    op.ctx.prepareFirstBoot(record),
  );
}

/** From now on the VM is whole. What only a first boot needs is removed. */
export async function markReady(ctx: Ctx, record: VmRecord): Promise<VmRecord> {
  const paths = ctx.store.paths.vm(record.name);
  const driver = await ctx.driver(record.plan.driver);
  await driver.ejectSeed(record.name, ctx.io);
  const ready: VmRecord = { ...record, phase: 'ready' };
  await ctx.store.write(ready);
  for (const path of [paths.hostKey, `${paths.hostKey}.pub`, paths.seed]) {
    await ctx.host.files.remove(path);
  }
  return ready;
}

/** Makes a booted image the machine of its plan. Returns the password that is to be shown, if there is one. */
async function setUp(ctx: Ctx, booted: Booted): Promise<Secret | undefined> {
  const workstation = await ctx.setup.workstation(ctx.io);
  return whileAlive(ctx, booted, {
    io: ctx.io,
    action: async (io) => {
      await ctx.setup.provision(booted.setup, workstation, io);
      await closeEgress(ctx, booted);
      await openAllowlist(ctx, booted);
      await ctx.setup.tellEgress(booted.setup, workstation, io);
      await openTunnels(ctx, booted.record, booted.guest);
      await ctx.setup.startCommands(booted.setup, workstation, io);
      await handOverSecrets(ctx, booted.setup);
      const password = await setLoginPassword(ctx, booted);
      // What was set up is on the disk, whatever happens to the machine from now on.
      await proveCommand(ctx, booted, ['sync']);
      return password;
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

/** What must be there before anything of the VM is made: a driver that can, and the image. */
async function gather(ctx: Ctx, plan: VmPlan) {
  const driver = await ctx.driver(plan.driver);
  requireClosable(driver, plan);
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
    name: VmName;
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
    name: made.name,
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
  const { profiles: _, ...lasting } = overrides;
  return Object.fromEntries(
    Object.entries(lasting).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** Keeps a VM that could not be made whole, marked with the reason; `undefined` when there is nothing to keep yet. */
export async function keepFailed(
  ctx: Ctx,
  name: VmName,
  { journal, error }: { journal: Journal; error: unknown },
): Promise<CloneboxError | undefined> {
  const record = await ctx.store.read(name);
  if (record === undefined || ctx.io.signal.aborted) return undefined;
  await ctx.store.write({ ...record, failure: reasonOf(error).split('\n')[0] ?? 'unknown' });
  await journal.commit();
  const code = isCloneboxError(error) ? error.code : 'bug';
  return new CloneboxError(code, reasonOf(error), {
    hint: `${name} was kept as it is: clonebox ssh ${name}, clonebox logs ${name}; remove it with clonebox delete ${name}`,
    facts: { ...(isCloneboxError(error) && error.facts), kept: name },
    cause: error,
  });
}
