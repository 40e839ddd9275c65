import { describe, expect, it } from 'vitest';
import { recordOf, web } from '../../test/fixtures/store-bed.ts';
import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';
import type { WarmState } from '../core/template.ts';
import {
  availableMemory,
  chooseMemoryMode,
  leastMemory,
  neededMemory,
  requireMemory,
} from './memory-room.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** A host with that much memory, of which so much is left. */
function hostWith({ total = 16 * GiB, left = 12 * GiB, text = '' }): Ctx {
  const meminfo = text || `MemTotal: 1 kB\nMemAvailable:   ${left / 1024} kB\nSwapFree: 9 kB\n`;
  const files = {
    readText: async (path: string) => (path === '/proc/meminfo' ? meminfo : undefined),
  };
  return { host: { memoryBytes: total, files } } as unknown as Ctx;
}

const planOf = (memory: number, memoryMode: VmPlan['memoryMode'] = 'auto') =>
  recordOf(web, [], { memory, memoryMode }).plan;

const warm = { size: 700 * MiB } as WarmState;

describe('the memory that a machine takes at once', () => {
  it('is that of a boot when nothing is kept: what the guest needs to boot, or all it has', () => {
    expect(neededMemory(planOf(256 * MiB))).toBe((256 + 96) * MiB);
    expect(neededMemory(planOf(8 * GiB))).toBe((512 + 96) * MiB);
    expect(neededMemory(planOf(8 * GiB))).toBe(leastMemory.booted);
  });

  it('is what it changes when it shares the memory of its template, however large that is', () => {
    expect(neededMemory(planOf(8 * GiB), warm, 'shared')).toBe(192 * MiB);
    expect(neededMemory(planOf(8 * GiB), warm, 'shared')).toBe(leastMemory.shared);
  });

  it('is a copy of what was kept when it has its own', () => {
    expect(neededMemory(planOf(8 * GiB), warm, 'own')).toBe((700 + 96) * MiB);
    expect(neededMemory(planOf(8 * GiB), { size: 1 } as WarmState, 'own')).toBe((512 + 96) * MiB);
  });
});

describe('how a clone holds its memory', () => {
  it('is as the plan says, whatever the host has', async () => {
    const poor = hostWith({ left: 0 });
    expect(await chooseMemoryMode(poor, planOf(GiB, 'own'))).toBe('own');
    expect(await chooseMemoryMode(hostWith({}), planOf(GiB, 'shared'))).toBe('shared');
  });

  it('is its own while that leaves the host more than half of its memory', async () => {
    expect(await chooseMemoryMode(hostWith({}), planOf(GiB))).toBe('own');
    // 96M is for QEMU itself.
    const edge = 9 * GiB + 96 * MiB;
    expect(await chooseMemoryMode(hostWith({ left: edge + 1024 }), planOf(GiB))).toBe('own');
    expect(await chooseMemoryMode(hostWith({ left: edge }), planOf(GiB))).toBe('shared');
  });
});

describe('the room for one more machine', () => {
  it('is what the kernel can give, and all there is where the kernel does not say', async () => {
    expect(await availableMemory(hostWith({ left: 3 * GiB }))).toBe(3 * GiB);
    expect(await availableMemory(hostWith({ text: 'MemTotal: 5 kB\n' }))).toBe(16 * GiB);
  });

  it('must be there, else it is refused with both numbers', async () => {
    const host = hostWith({ left: 100 * MiB });
    await expect(requireMemory(host, 100 * MiB)).resolves.toBeUndefined();
    await expect(requireMemory(host, 192 * MiB)).rejects.toMatchObject({
      code: 'host-unable',
      message: 'one more machine needs 192M of memory, and this host has 100M left',
      hint: expect.stringContaining('vm.memory_mode: shared'),
      facts: { needed: 192 * MiB, available: 100 * MiB },
    });
  });
});
