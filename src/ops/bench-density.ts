import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmName } from '../core/name.ts';
import { formatBytes } from '../lib/bytes.ts';
import { type BenchReport, type BenchResult, report, result, type Self } from './bench.ts';
import { type BenchProject, runSelf, withProjects } from './bench-projects.ts';
import { availableMemory, leastMemory } from './memory-room.ts';

export interface BenchDensityInput {
  readonly self: Self;
  /** Clones that run at once in the end. */
  readonly clones: number;
}

/** What the clones that run take, one by one, in bytes. */
export interface DensityLook {
  readonly bytes: readonly number[];
}

const MB = 1_000_000;
/** Milliseconds that clones are left alone before they are looked at: what they do when they are new is over. */
const rest = 10_000;

/**
 * `bench density`: clones that share the memory of their template, left running, more and more of them, and the memory that
 * they take together (Pss, of QEMU and its helpers). Fails with `host-unable` and the numbers when there is no room. All are
 * gone afterwards, after a Ctrl-C too.
 */
export async function benchDensity(ctx: Ctx, input: BenchDensityInput): Promise<BenchReport> {
  const { self, clones } = input;
  const image = await ctx.images.resolveAuto(ctx.io);
  await ctx.images.ensure(image, ctx.io);
  await requireRoom(ctx, clones);
  const looks = new Set([1, Math.ceil(clones / 2), clones]);
  return withProjects(ctx, { self, count: clones, image }, async (bench) => {
    const seen: DensityLook[] = [];
    for (const [index, project] of bench.projects.entries()) {
      const number = index + 1;
      const title = `Clone ${number} of ${clones}`;
      ctx.io.emit({ kind: 'phase', id: `clone-${number}`, title });
      await bench.write(project, { vm: 'memory_mode: shared' });
      const { path, pathReason, vm } = await bench.clone(project, {});
      if (path !== 'warm' || vm.memory.mode !== 'shared') {
        throw new CloneboxError(
          'host-unable',
          `the clone does not share a template's memory (${path}, ${vm.memory.mode}): ${pathReason}`,
        );
      }
      if (!looks.has(number)) continue;
      ctx.io.emit({ kind: 'phase', id: `look-${number}`, title: `Leaving ${number} alone` });
      await ctx.host.sleep(rest, ctx.io.signal);
      seen.push(await look(ctx, bench.projects.slice(0, number)));
    }
    for (const { name } of bench.projects)
      await runSelf(ctx, self, { argv: ['exec', name, '--', 'true'] });
    return report(ctx, self, densityResults(seen));
  });
}

/** Before anything is made. */
async function requireRoom(ctx: Ctx, clones: number): Promise<void> {
  const available = await availableMemory(ctx);
  const needed = clones * leastMemory.shared;
  if (available >= needed) return;
  throw new CloneboxError(
    'host-unable',
    `${clones} clones need ${formatBytes(needed)} of memory, and this host has ${formatBytes(available)} left`,
    {
      hint: `There is room for ${Math.floor(available / leastMemory.shared)}: clonebox bench density -n N`,
      facts: { needed, available },
    },
  );
}

async function look(ctx: Ctx, projects: readonly BenchProject[]): Promise<DensityLook> {
  const bytes: number[] = [];
  for (const { name } of projects) bytes.push(await proportional(ctx, name));
  return { bytes };
}

/** Bytes of all that runs for a VM; what others have mapped too counts by its share. */
async function proportional({ host, store }: Ctx, name: VmName): Promise<number> {
  let bytes = 0;
  for (const process of await host.processesMentioning(`${store.paths.runtimeOf(name)}/`)) {
    bytes += (await host.processMemory(process))?.pss ?? 0;
  }
  if (bytes === 0) throw new CloneboxError('bug', `nothing runs for ${name}, or it cannot be read`);
  return bytes;
}

/** What a clone takes after each look, what all do, and whether the later ones take as much as the earlier. */
export function densityResults(looks: readonly DensityLook[]): BenchResult[] {
  const each = looks.map(({ bytes }) =>
    result({
      ...{ scenario: `density: ${bytes.length} running`, unit: 'MB', target: '< 100 MB' },
      what: 'memory of an idle clone (Pss)',
      values: bytes.map((one) => one / MB),
      ...{ referenceWhat: '', references: [] },
    }),
  );
  const totals = looks.map(({ bytes }) => ({
    clones: bytes.length,
    total: bytes.reduce((sum, one) => sum + one, 0) / MB,
  }));
  const last = totals.at(-1);
  const steps = totals.slice(1).map((to, index) => {
    const from = totals[index] ?? to;
    return { from, to, more: (to.total - from.total) / (to.clones - from.clones) };
  });
  const [first, second] = steps;
  return [
    ...each,
    ...(last === undefined
      ? []
      : [
          result({
            ...{ scenario: 'density: all', unit: 'MB', what: `memory of ${last.clones} together` },
            ...{ values: [last.total], referenceWhat: '', references: [], target: 'none' },
          }),
        ]),
    ...(first === undefined || second === undefined
      ? []
      : [
          result({
            ...{ scenario: 'density: linear', unit: 'MB', target: 'ratio about 1' },
            what: `each further one, from ${second.from.clones} to ${second.to.clones}`,
            values: [second.more],
            referenceWhat: `each further one, from ${first.from.clones} to ${first.to.clones}`,
            references: [first.more],
          }),
        ]),
  ];
}
