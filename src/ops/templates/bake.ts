import type { Ctx } from '../../core/ctx.ts';
import type { Driver, DriverFacts, KeptMemory, MachineSpec } from '../../core/driver.ts';
import type { Guest } from '../../core/guest.ts';
import type { Image } from '../../core/image.ts';
import type { Io } from '../../core/io.ts';
import { bakeName } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { Workstation } from '../../core/setup.ts';
import {
  type Kept,
  keepingMark,
  shortKey,
  type Template,
  type TemplateBuilding,
  templateMac,
  type WarmShape,
  type WarmState,
} from '../../core/template.ts';
import { waitForGuest } from '../boot.ts';
import { neededMemory, requireMemory } from '../memory-room.ts';
import { journaled, operation } from '../operation.ts';
import { whileAlive } from '../watch-machine.ts';
import { scanMemory } from './scan-memory.ts';

/** Bytes of a template's disk as its guest sees it: a VM's is never smaller. */
const templateDisk = 20 * 1024 ** 3;

/** What a template is made of. */
export interface Recipe {
  readonly plan: VmPlan;
  readonly image: Image;
  readonly driver: Driver;
  readonly facts: DriverFacts;
  readonly workstation: Workstation;
}

/**
 * The template of these inputs: made when there is none, by booting the image, installing, cleaning and powering off.
 * Another process that is making it is waited for. On failure nothing is left of it.
 */
export function ensureTemplate(
  ctx: Ctx,
  recipe: Recipe,
  draft: Pick<Template, 'key' | 'inputs'>,
): Promise<Template> {
  const { image, plan } = recipe;
  const { reference, digest, boot } = image;
  const stored = { inputs: draft.inputs, image: { reference, digest, boot } };
  const { driver } = recipe;
  const about = { event: 'template.build', key: draft.key, driver } as const;
  return inTemplate(ctx, about, async (own) => {
    const { template, made } = await own.templates.ensure(stored, own.io, async (building) => {
      const size = Math.max(
        templateDisk,
        (await recipe.driver.measure(image.disk, own.io)).virtual,
      );
      await recipe.driver.create({ path: building.disk, base: image.disk, size }, own.io);
      // Its hundreds of small programs are translated once each; nothing of this boot goes on in a clone.
      const spec = told(machine(own, { ...recipe, building, key: draft.key }), 'norandmaps');
      await inMachine(
        own,
        { driver: recipe.driver, spec },
        {
          inside: async (guest, io) => {
            await own.setup.bake(guest, { plan, workstation: recipe.workstation, io });
            await own.setup.clean(guest, { plan, stay: undefined, io });
          },
          end: async (guest) => {
            own.io.emit({ kind: 'phase', id: 'template-off', title: 'Powering the template off' });
            await guest.close();
            await recipe.driver.stop(spec.name, own.io, { grace: 60_000 });
          },
        },
      );
      own.io.emit({ kind: 'phase', id: 'template-seal', title: 'Sealing the template' });
    });
    return { value: template, made };
  });
}

/**
 * The memory of a template in this shape: kept when it was not, by booting an overlay of its disk until it is quiet. Fails
 * with what stands in the way; the template is as it was then.
 */
export function ensureWarm(
  ctx: Ctx,
  recipe: Recipe,
  { template, shape }: { template: Template; shape: WarmShape },
): Promise<WarmState> {
  const { driver, plan } = recipe;
  return inTemplate(ctx, { event: 'template.keep', key: template.key, driver }, async (own) => {
    const { warm, made } = await own.templates.ensureWarm(template, shape, {
      io: own.io,
      make: async (building) => {
        const disk = { path: building.disk, base: template.disk, size: shape.disk };
        await driver.create(disk, own.io);
        const boot = machine(own, { ...recipe, building, key: template.key });
        const spec: MachineSpec = { ...told(boot, keepingMark), keepable: true };
        const kept = await inMachine(
          own,
          { driver, spec },
          {
            inside: async (guest, io) => {
              io.emit({ kind: 'phase', id: 'quiet', title: 'Waiting until the template is quiet' });
              await own.setup.quiet(guest, io, own.host.sleep);
              await own.setup.clean(guest, { plan, stay: shape.resident, io });
              await own.setup.warmUp(guest, plan, io);
            },
            end: (guest) => keep(own, { driver, spec, guest, memory: building.memory, plan }),
          },
        );
        own.io.emit({ kind: 'phase', id: 'scan', title: 'Looking for keys in the memory' });
        await scanMemory(own, building.memory.ram, kept.written);
        return kept;
      },
    });
    return { value: warm, made };
  });
}

/** With a word for its guest's kernel, where that has a command line of ours. */
function told(spec: MachineSpec, word: string): MachineSpec {
  const { boot } = spec;
  if (boot.kind === 'firmware') return spec;
  return { ...spec, boot: { ...boot, commandLine: `${boot.commandLine} ${word}` } };
}

/** Everything that the guest still has to do is done before; whoever reads its memory finds it waiting. */
async function keep(
  ctx: Ctx,
  {
    driver,
    spec,
    guest,
    memory,
    plan,
  }: { driver: Driver; spec: MachineSpec; guest: Guest; memory: KeptMemory; plan: VmPlan },
): Promise<Kept> {
  const { io } = ctx;
  io.emit({ kind: 'phase', id: 'keep', title: 'Keeping its memory' });
  const baseline = await ctx.setup.baseline({ plan, guest }, io);
  await guest.close();
  if (driver.memory === undefined) throw new Error(`${driver.name} keeps no memory`);
  await driver.memory.keep(spec.name, memory, io);
  await driver.stop(spec.name, io, { grace: 0 });
  return { baseline, written: await driver.memory.written(memory.ram, io) };
}

/** An operation of its own, since what it makes outlives what asked for it. */
function inTemplate<T>(
  ctx: Ctx,
  {
    event,
    key,
    driver,
  }: { event: 'template.build' | 'template.keep'; key: string; driver: Driver },
  action: (ctx: Ctx) => Promise<{ value: T; made: boolean }>,
): Promise<T> {
  const target = { type: 'template', name: shortKey(key) } as const;
  return operation(ctx, { event, target }, (op) =>
    journaled(op, async (journal) => {
      const name = bakeName(key);
      const sweep = { kind: 'sweep-templates' } as const;
      const stop = { kind: 'stop-machine', driver: driver.name, name } as const;
      const { value, made } = await journal.step('the cache of templates', sweep, () =>
        journal.step('its machine', stop, () => action(op.ctx)),
      );
      if (!made) op.skipped();
      return value;
    }),
  );
}

/** A machine of no VM: no shares, no forwards, its sockets under a name that no VM can have. */
function machine(
  _ctx: Ctx,
  recipe: Recipe & { building: TemplateBuilding; key: string },
): MachineSpec {
  const { plan, image, facts, building } = recipe;
  return {
    name: bakeName(recipe.key),
    uuid: crypto.randomUUID(),
    layout: facts.layout,
    machine: facts.machine ?? '',
    accel: plan.accel,
    cpus: plan.cpus,
    memory: plan.memory,
    disk: building.disk,
    seed: undefined,
    boot: image.boot,
    shares: [],
    network: { mac: templateMac, forwards: [], egress: 'open' },
    serialLog: `${building.directory}/serial.log`,
  };
}

/**
 * Boots the machine, acts in its guest for as long as it lives, then ends it; ended it is, whatever happens. Fails with
 * `host-unable` when there is no room for it, before it begins.
 */
async function inMachine<T>(
  ctx: Ctx,
  { driver, spec }: { driver: Driver; spec: MachineSpec },
  {
    inside,
    end,
  }: {
    readonly inside: (guest: Guest, io: Io) => Promise<void>;
    readonly end: (guest: Guest) => Promise<T>;
  },
): Promise<T> {
  const { io } = ctx;
  const { name, disk, serialLog } = spec;
  const stop = async (with_: Io) => {
    await driver.stop(name, with_, { grace: 0 });
    await driver.remove(name, with_);
  };
  // What a crash left of an earlier attempt.
  await stop(io);
  await requireMemory(ctx, neededMemory(spec));
  try {
    const started = await driver.start(spec, io);
    const guest = await ctx.openGuest(name, driver.name);
    try {
      const accel = started.accel.accel.toUpperCase();
      io.emit({ kind: 'phase', id: 'boot', title: `Booting the template (${accel})` });
      const watched = { name, driver, disk, serialLog, serialFrom: 0 };
      await waitForGuest(ctx, { ...watched, started, guest });
      await whileAlive(ctx, watched, { io, action: (inner) => inside(guest, inner) });
      return await end(guest);
    } finally {
      await guest.close();
    }
  } finally {
    await stop({ ...io, signal: AbortSignal.timeout(30_000) });
    await ctx.host.files.remove(serialLog);
  }
}
