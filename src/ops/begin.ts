import type { Ctx } from '../core/ctx.ts';
import type { Driver } from '../core/driver.ts';
import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { Image } from '../core/image.ts';
import type { VmRecord } from '../core/record.ts';
import { type Booted, bootMachine, startMachine, waitForGuest } from './boot.ts';
import { chooseMemoryMode, neededMemory, requireMemory } from './memory-room.ts';
import { proveCommand } from './prove-command.ts';
import type { Beginning } from './templates/choose.ts';
import { introduce } from './templates/introduce.ts';
import { secondsSince, type Timings } from './timings.ts';
import { whileAlive } from './watch-machine.ts';

/** How a VM came to be, and why not faster. */
export interface Way {
  readonly path: Beginning['path'];
  readonly pathReason: string;
}

/**
 * The VM's record must be written: from then on nobody removes what it stands on, and `conflict` says that it was removed
 * just before. A disk smaller than that would cut the file system off.
 */
export async function makeDisk(
  ctx: Ctx,
  vm: { record: VmRecord; driver: Driver; image: Image; beginning: Beginning },
): Promise<void> {
  const { record, driver, image, beginning } = vm;
  const { disk } = ctx.store.paths.vm(record.name);
  if (beginning.path === 'warm') {
    const { warm } = beginning;
    await requireBase(ctx, warm.disk);
    await driver.create({ path: disk, base: warm.disk, size: warm.shape.disk }, ctx.io);
    return;
  }
  const base = beginning.path === 'disk' ? beginning.template.disk : image.disk;
  await requireBase(ctx, base);
  const { virtual } = await driver.measure(base, ctx.io);
  await driver.create({ path: disk, base, size: Math.max(record.plan.disk, virtual) }, ctx.io);
}

async function requireBase({ host }: Ctx, base: string): Promise<void> {
  if ((await host.files.facts(base)) !== undefined) return;
  throw new CloneboxError('conflict', 'what the disk stands on was removed meanwhile', {
    hint: 'Nothing of the VM is left. Run the command again: it makes a new one, if need be.',
    facts: { base },
  });
}

/** Starts the machine; one that came from a template is made itself and has run a command when this returns. */
export async function beginAndProve(
  ctx: Ctx,
  record: VmRecord,
  { beginning, member }: { beginning: Beginning; member: VmRecord | undefined },
) {
  const { booted, way, answers } =
    (member && (await claim(ctx, { record, member, beginning }))) ??
    (await begin(ctx, record, beginning));
  const timings: Timings = {};
  const answered = answers.then(() => {
    timings.t_agent = secondsSince(ctx);
  });
  // Whoever waits for it may have failed by then.
  answered.catch(() => {});
  try {
    if (beginning.path === 'cold') await answered;
    else {
      await whileAlive(ctx, booted, {
        io: ctx.io,
        action: (io) =>
          introduce(ctx, booted, {
            ...{ beginning, answered, io },
            // What makes it itself is on the disk, whatever happens to the machine from now on.
            meanwhile: () => proveCommand(ctx, booted, ['sync']),
          }),
      });
      timings.t_command = secondsSince(ctx);
    }
    return { booted, way, timings };
  } catch (error) {
    await booted.guest.close();
    throw error;
  }
}

interface Begun {
  readonly booted: Booted;
  readonly way: Way;
  /** Fails when the guest does not answer in time. */
  readonly answers: Promise<void>;
}

/**
 * Makes a machine of the pool this VM's. `undefined` when that cannot be: the machine is ended then, and the disk as new
 * as if there had been none.
 */
async function claim(
  ctx: Ctx,
  { record, member, beginning }: { record: VmRecord; member: VmRecord; beginning: Beginning },
): Promise<Begun | undefined> {
  try {
    const booted = await bootMachine(ctx, record, { kind: 'pool', member: member.name });
    const way = { path: 'warm', pathReason: 'it was running already, in the pool' } as const;
    return { booted, way, answers: Promise.resolve() };
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    if (!isCloneboxError(error) || beginning.path !== 'warm') throw error;
    const why = reasonOf(error).split('\n')[0];
    ctx.io.emit({ kind: 'warning', text: `a machine of the pool could not be used: ${why}` });
    const driver = await ctx.driver(record.plan.driver);
    for (const name of [record.name, member.name]) await driver.stop(name, ctx.io, { grace: 0 });
    const { disk } = ctx.store.paths.vm(record.name);
    await ctx.host.files.remove(disk);
    const { warm } = beginning;
    await driver.create({ path: disk, base: warm.disk, size: warm.shape.disk }, ctx.io);
    return undefined;
  }
}

/** Starts the machine: from the kept memory if it can, else by a boot of the same disk. */
async function begin(ctx: Ctx, record: VmRecord, beginning: Beginning): Promise<Begun> {
  const { plan } = record;
  const boot = async (way: Way): Promise<Begun> => {
    const booted = await bootMachine(ctx, record);
    return { booted, way, answers: Promise.resolve() };
  };
  if (beginning.path !== 'warm') {
    await requireMemory(ctx, neededMemory(plan));
    const { path, reason } = beginning;
    return boot({ path, pathReason: reason });
  }
  const { warm, template } = beginning;
  const mode = await chooseMemoryMode(ctx, plan);
  await requireMemory(ctx, neededMemory(plan, warm, mode));
  try {
    const memory = { ...warm.memory, mode };
    const booted = await startMachine(ctx, record, { kind: 'memory', memory });
    const way = { path: 'warm', pathReason: 'the memory of its template was kept' } as const;
    return { booted, way, answers: waitForGuest(ctx, booted) };
  } catch (error) {
    if (!isCloneboxError(error) || error.facts.resume !== true) throw error;
    const why = reasonOf(error).split('\n')[0];
    ctx.io.emit({ kind: 'warning', text: `cannot go on from the template's memory: ${why}` });
    await ctx.templates.discardWarm(template, warm, ctx.io);
    return boot({ path: 'disk', pathReason: `its memory could not be used: ${why}` });
  }
}
