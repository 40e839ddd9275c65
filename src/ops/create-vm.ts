import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import type { Secret } from '../core/secret.ts';
import type { Journal } from '../core/store.ts';
import { beginAndProve, makeDisk, type Way } from './begin.ts';
import type { Booted } from './boot.ts';
import { complete, setUp } from './complete.ts';
import { gather } from './gather.ts';
import { takeHardLinksApart } from './hard-links.ts';
import { readLoginKeys } from './login-keys.ts';
import { makeKeys } from './make-keys.ts';
import { newRecord } from './new-record.ts';
import { withMember } from './pool/claim.ts';
import { type Beginning, chooseBeginning, type TemplateWish } from './templates/choose.ts';
import { secondsSince, type Timings } from './timings.ts';
import { inTurn } from './turns.ts';
import { tellMovedPorts, wantedPorts } from './wanted-ports.ts';

export interface NewVm {
  readonly journal: Journal;
  /** The name it is kept under: the plan's own, or that of a VM built beside the one it will replace. */
  readonly name: VmName;
  readonly overrides: Overrides;
  readonly template: TemplateWish;
  readonly keepFailed: boolean;
}

export interface Created {
  readonly booted: Booted;
  readonly timings: Timings;
  /** To be shown once the VM is whole. */
  readonly password: Secret | undefined;
  /** How it came to be, and why not faster. */
  readonly way: Way;
}

/**
 * Makes a VM from a plan and proves it: image, template, disk, keys, machine, identity, a first command. Every step is in
 * the journal before it is done. The VM's lock must be held. Returns with the machine running and its record still
 * `creating`: the caller says when it is `ready`.
 */
export async function createVm(ctx: Ctx, asked: VmPlan, made: NewVm): Promise<Created> {
  const { journal, name } = made;
  const plan = { ...asked, authorizedKeys: await readLoginKeys(ctx, asked) };
  const parts = await journal.step('its image', { kind: 'sweep-images' }, () => gather(ctx, plan));
  const { template: wish, keepFailed } = made;
  const beginning = await chooseBeginning(ctx, plan, { parts, wish, keepFailed });
  const claim = beginning.path === 'warm' ? { plan, ...beginning, journal, name } : undefined;
  return withMember(ctx, claim, (member) => make(ctx, plan, { ...made, parts, beginning, member }));
}

interface Making extends NewVm {
  readonly parts: Awaited<ReturnType<typeof gather>>;
  readonly beginning: Beginning;
  /** The machine of the pool that becomes the VM: its directory is the VM's already, with a disk and keys. */
  readonly member: VmRecord | undefined;
}

async function make(ctx: Ctx, plan: VmPlan, making: Making): Promise<Created> {
  const { io, store } = ctx;
  const { journal, name, parts, beginning, member } = making;
  const { driver, image } = parts;
  const paths = store.paths.vm(name);
  const own = (path: string) => ({ kind: 'remove-path', path }) as const;
  io.emit({
    kind: 'phase',
    id: 'disk',
    title: member ? 'Taking it from the pool' : 'Making the disk',
  });
  if (member === undefined) {
    await journal.step('its directory', own(paths.directory), () =>
      ctx.host.files.makeDirectory(paths.directory),
    );
  }
  const leases = await journal.step('its ports', { kind: 'release-leases', name }, () =>
    store.lease(name, wantedPorts(plan), io),
  );
  if (name === plan.name) tellMovedPorts(ctx, plan, leases);
  const now = ctx.host.now();
  const record = newRecord(plan, { ...making, ...parts, leases, now });
  await journal.step('its record', own(paths.record), () => store.write(record));
  if (member === undefined) {
    await journal.step('its disk', own(paths.disk), () =>
      makeDisk(ctx, { record, driver, image, beginning }),
    );
    await journal.step('its keys', own(paths.key), () => makeKeys(ctx, record));
  }
  await takeHardLinksApart(ctx, plan.shares, journal);
  const undo = { kind: 'stop-machine', driver: plan.driver, name } as const;
  const { booted, way, timings } = await inTurn(ctx, busyWith(beginning, plan), () =>
    journal.step('its machine', undo, () => beginAndProve(ctx, record, { beginning, member })),
  );
  try {
    const password = way.path === 'cold' ? await setUp(ctx, booted) : await complete(ctx, booted);
    timings.t_command ??= secondsSince(ctx);
    return { booted, timings, password, way };
  } catch (error) {
    await booted.guest.close();
    throw error;
  }
}

/** What a start keeps busy: a boot is done by one processor for the most part, a clone of a memory by all. */
function busyWith({ path }: Beginning, { cpus }: VmPlan): { cpus: number } {
  return { cpus: path === 'warm' ? cpus : 1 };
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
