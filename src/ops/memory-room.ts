import type { Ctx } from '../core/ctx.ts';
import type { MemoryMode } from '../core/driver.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { WarmState } from '../core/template.ts';
import { formatBytes } from '../lib/bytes.ts';

const MiB = 1024 ** 2;

/** What a machine takes beside the memory of its guest: QEMU itself and its helpers. */
const overhead = 96 * MiB;
/** What an idle guest changes of a memory it shares. */
const changed = 96 * MiB;
/** A guest that boots is no use with less; it may take all of its memory later. */
const least = 512 * MiB;

/** What a machine takes at least, in bytes: one that shares its template's memory, and one that boots. */
export const leastMemory = { shared: changed + overhead, booted: least + overhead } as const;

/** Bytes of memory that this host can give without swapping (proc(5), MemAvailable). */
export async function availableMemory({ host }: Pick<Ctx, 'host'>): Promise<number> {
  const text = (await host.files.readText('/proc/meminfo')) ?? '';
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? host.memoryBytes : Number(kib) * 1024;
}

/** Bytes that a machine takes at once when it is started. */
export function neededMemory(
  { memory }: Pick<VmPlan, 'memory'>,
  warm?: WarmState,
  mode?: MemoryMode,
): number {
  if (warm === undefined) return Math.min(memory, least) + overhead;
  return (mode === 'own' ? Math.max(warm.size, least) : changed) + overhead;
}

/**
 * How a clone holds the memory that it goes on from: as the plan says, or its own while that leaves the host half of its
 * memory even when the guest takes all it may.
 */
export async function chooseMemoryMode(ctx: Ctx, plan: VmPlan): Promise<MemoryMode> {
  if (plan.memoryMode !== 'auto') return plan.memoryMode;
  const room = (await availableMemory(ctx)) - plan.memory - overhead;
  return room > ctx.host.memoryBytes / 2 ? 'own' : 'shared';
}

/** Fails with `host-unable` and the numbers, before anything is started, when there is no room for one more machine. */
export async function requireMemory(ctx: Ctx, needed: number): Promise<void> {
  const available = await availableMemory(ctx);
  if (available >= needed) return;
  throw new CloneboxError(
    'host-unable',
    `one more machine needs ${formatBytes(needed)} of memory, and this host has ${formatBytes(available)} left`,
    {
      hint: 'Stop a VM (clonebox list), or give this one less: vm.memory, vm.memory_mode: shared.',
      facts: { needed, available },
    },
  );
}
