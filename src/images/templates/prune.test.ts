import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTemplateBed,
  keepMemory,
  key,
  makeGate,
  type TemplateBed,
} from '../../../test/fixtures/template-bed.ts';
import { shape } from '../../../test/fixtures/template-inputs.ts';
import { quietIo } from '../../core/quiet-io.ts';
import type { Templates } from '../../core/template.ts';

let bed: TemplateBed;
beforeEach(() => {
  bed = createTemplateBed();
});
afterEach(() => bed.remove());

describe('pruning', () => {
  const all = () => true;
  const prune = (inUse: string[], only: Parameters<Templates['prune']>[2]['only'] = all) =>
    bed.templates.prune(async () => new Set(inUse), bed.io, { only });

  it('removes a template with its memories, and tells what that has freed', async () => {
    const { template } = await bed.both();
    const { removed, freed } = await prune([]);
    expect(removed).toEqual([key]);
    expect(freed).toBeGreaterThan(0);
    expect(readdirSync(bed.place)).toEqual([]);
    expect(await bed.templates.find(template.key)).toBeUndefined();
  });

  it('leaves what a VM stands on: the template, and of its memories the one', async () => {
    const { template, warm } = await bed.both();
    const other = await bed.ensureWarm(template, { ...shape, cpus: 7 });
    expect((await prune([key, `${key}/${warm.key}`])).removed).toEqual([`${key}/${other.key}`]);
    expect((await bed.templates.find(key))?.warm.map((one) => one.key)).toEqual([warm.key]);
    expect((await prune([key])).removed).toEqual([`${key}/${warm.key}`]);
    expect(readFileSync(template.disk, 'utf8')).toBe('a disk');
  });

  it('puts back what came into use while it was removed', async () => {
    const { template, warm } = await bed.both();
    for (const used of [[key], [key, `${key}/${warm.key}`]]) {
      // Written down after the first look.
      const looks = [new Set(used.slice(0, -1)), new Set(used)];
      const inUse = async () => looks.shift() ?? new Set(used);
      const result = await bed.templates.prune(inUse, bed.io, { only: all });
      expect(result).toEqual({ removed: [], freed: 0 });
      expect(looks).toEqual([]);
      expect(readFileSync(template.disk, 'utf8')).toBe('a disk');
      expect(existsSync(warm.disk)).toBe(true);
    }
    expect(readdirSync(bed.place)).toEqual([key]);
  });

  it('removes of what nobody stands on only what is asked for', async () => {
    const { template, warm } = await bed.both();
    const none = await prune([], () => false);
    expect(none).toEqual({ removed: [], freed: 0 });
    const memories = await prune([], (_, one) => one?.key === warm.key);
    expect(memories.removed).toEqual([`${key}/${warm.key}`]);
    expect(existsSync(template.disk)).toBe(true);
  });

  it('leaves what was taken out of use while a VM stands on its disk, and removes it after that', async () => {
    const { template, warm } = await bed.both();
    await bed.templates.discardWarm(template, warm, bed.io);
    await prune([key, `${key}/${warm.key}`]);
    expect(existsSync(warm.disk)).toBe(true);
    await prune([key]);
    expect(existsSync(warm.disk)).toBe(false);
  });

  it('removes what has lost its manifest, unless a VM stands on it', async () => {
    await bed.ensure();
    rmSync(join(bed.place, key, 'manifest.json'));
    expect((await prune([key], () => false)).removed).toEqual([]);
    expect(existsSync(join(bed.place, key, 'disk.qcow2'))).toBe(true);
    expect((await prune([], () => false)).removed).toEqual([key]);
  });

  it('leaves what another process is making, and does not wait for it', async () => {
    const template = await bed.ensure();
    const gate = makeGate();
    const keeping = bed.another().ensureWarm(template, shape, {
      io: quietIo(),
      make: async (building) => {
        await gate.pass();
        return keepMemory(building);
      },
    });
    await gate.reached;
    expect((await prune([])).removed).toEqual([]);
    gate.open();
    expect((await keeping).made).toBe(true);
    expect((await prune([])).removed).toEqual([key]);
  });

  it('and sweeping remove what the dead have left of making and removing, and nothing else', async () => {
    await bed.both();
    for (const name of [
      `.building-${key}-01234567`,
      `.building-${'f'.repeat(64)}-01234567`,
      '.removing-x',
    ])
      mkdirSync(join(bed.place, name, 'warm'), { recursive: true });
    writeFileSync(join(bed.place, '.removing-x', 'disk.qcow2'), 'x'.repeat(10_000));
    await bed.templates.sweep(bed.io);
    expect(readdirSync(bed.place)).toEqual([key]);
    expect((await bed.templates.find(key))?.warm).toHaveLength(1);
  });
});
