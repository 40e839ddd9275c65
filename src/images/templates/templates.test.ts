import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import {
  baseline,
  createTemplateBed,
  draft,
  keepMemory,
  key,
  makeDisk,
  makeGate,
  never,
  type TemplateBed,
} from '../../../test/fixtures/template-bed.ts';
import { inputs, shape } from '../../../test/fixtures/template-inputs.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { shapeKey, type TemplateBuilding, type WarmState } from '../../core/template.ts';

let bed: TemplateBed;
beforeEach(() => {
  bed = createTemplateBed();
});
afterEach(() => bed.remove());

describe('a template', () => {
  it('is made once, and found by its key, the beginning of it, and in the list', async () => {
    const first = await bed.templates.ensure(draft, bed.io, makeDisk);
    expect(first).toMatchObject({ made: true, template: { key, inputs, warm: [] } });
    expect(readFileSync(first.template.disk, 'utf8')).toBe('a disk');
    expect(await bed.another().ensure(draft, bed.io, never)).toMatchObject({
      made: false,
      template: { key },
    });
    for (const text of [key, key.slice(0, 12), key.slice(0, 4)])
      expect((await bed.templates.find(text))?.key).toBe(key);
    for (const text of ['', key.slice(0, 3), `${key}0`, '../../etc', 'zzzz'])
      expect(await bed.templates.find(text)).toBeUndefined();
    expect((await bed.templates.list()).map((one) => one.key)).toEqual([key]);
  });

  it('leaves nothing when making it fails, and can be made after that', async () => {
    const failing = bed.templates.ensure(draft, bed.io, async (building) => {
      await makeDisk(building);
      throw new Error('a step failed');
    });
    await expect(failing).rejects.toThrow('a step failed');
    expect(readdirSync(bed.place)).toEqual([]);
    expect((await bed.templates.ensure(draft, bed.io, makeDisk)).made).toBe(true);
  });

  it('is made by one of two that ask at the same time; the other waits, says so once, and has it', async () => {
    const gate = makeGate();
    const first = bed.templates.ensure(draft, quietIo(), async (building) => {
      await gate.pass();
      await makeDisk(building);
    });
    await gate.reached;
    const second = bed.another().ensure(draft, bed.io, never);
    while (bed.emitted.length === 0) await pause(10);
    await pause(600);
    gate.open();
    expect([(await first).made, (await second).made]).toEqual([true, false]);
    expect(bed.emitted).toEqual([
      { kind: 'note', text: 'another process is building it; waiting' },
    ]);
  });

  it('is not waited for after Ctrl-C', async () => {
    const control = new AbortController();
    const gate = makeGate();
    const first = bed.templates.ensure(draft, quietIo(), async (building) => {
      await gate.pass();
      await makeDisk(building);
    });
    await gate.reached;
    const second = bed.another().ensure(draft, { ...bed.io, signal: control.signal }, never);
    second.catch(() => {});
    while (bed.emitted.length === 0) await pause(10);
    control.abort(new Error('stopped'));
    await expect(second).rejects.toThrow('stopped');
    gate.open();
    expect((await first).made).toBe(true);
  });

  it('whose maker was killed is made by the next, and nothing of the first is left', async () => {
    const lock = join(bed.locks, `template-${key.slice(0, 16)}.lock`);
    mkdirSync(bed.locks, { recursive: true });
    const half = join(bed.place, `.building-${key}-01234567`);
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'disk.qcow2'), 'half a disk');
    const child = spawn('flock', [lock, 'sh', '-c', 'echo locked; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const kill = () => {
      process.kill(-(child.pid as number), 'SIGKILL');
    };
    onTestFailed(kill);
    await once(child.stdout, 'data');
    const waiting = bed.templates.ensure(draft, bed.io, makeDisk);
    while (bed.emitted.length === 0) await pause(10);
    // Not while its maker lives.
    await bed.another().sweep(quietIo());
    expect(existsSync(join(half, 'disk.qcow2'))).toBe(true);
    kill();
    expect((await waiting).made).toBe(true);
    expect(readdirSync(bed.place)).toEqual([key]);
  });

  it('that has lost its manifest is none, and no new one takes its place: VMs may stand on it', async () => {
    const template = await bed.ensure();
    rmSync(join(bed.place, key, 'manifest.json'));
    expect(await bed.templates.find(key)).toBeUndefined();
    await expect(bed.templates.ensure(draft, bed.io, never)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(readFileSync(template.disk, 'utf8')).toBe('a disk');
    expect(await bed.templates.damage(template, undefined, bed.io)).toMatch(/manifest/);
  });

  it('was last used when a VM was last made from it', async () => {
    const template = await bed.ensure();
    expect(template.lastUsed).toBe(template.created);
    await bed.templates.touch(template);
    const used = (await bed.templates.find(key))?.lastUsed ?? '';
    expect(Date.parse(used)).toBeGreaterThan(Date.parse(template.created) - 1000);
    utimesSync(join(bed.place, key, 'last-used'), 1e9, 1e9);
    expect((await bed.templates.find(key))?.lastUsed).toBe('2001-09-09T01:46:40.000Z');
  });
});

describe('a kept memory', () => {
  it('is kept once for each shape', async () => {
    const template = await bed.ensure();
    const first = await bed.templates.ensureWarm(template, shape, { io: bed.io, make: keepMemory });
    expect(first).toMatchObject({ made: true, warm: { shape, baseline } });
    expect(first.warm.key).toMatch(new RegExp(`^${shapeKey(shape)}-[0-9a-f]{8}$`));
    expect(readFileSync(first.warm.memory.ram, 'utf8')).toBe('all of the memory');
    const again = await bed.another().ensureWarm(template, shape, { io: bed.io, make: never });
    expect(again).toEqual({ ...first, made: false });
    const other = await bed.ensureWarm(template, { ...shape, hypervisor: 'a newer one' });
    expect(other.key).not.toBe(first.warm.key);
    expect((await bed.templates.find(key))?.warm).toHaveLength(2);
  });

  it('leaves the template as it was when it cannot be kept', async () => {
    const template = await bed.ensure();
    const make = async (building: TemplateBuilding) => {
      await keepMemory(building);
      throw new Error('QEMU cannot');
    };
    await expect(bed.templates.ensureWarm(template, shape, { io: bed.io, make })).rejects.toThrow(
      'QEMU cannot',
    );
    expect(readdirSync(bed.place)).toEqual([key]);
    expect(await bed.templates.find(key)).toEqual(template);
  });

  const ruins: [string, string, (warm: WarmState) => void][] = [
    [
      'a byte of the RAM is another',
      'ram has another digest than when it was stored',
      ({ memory }) => rewrite(memory.ram, 'all of thE memory'),
    ],
    [
      'a byte of the state is another',
      'state has another digest than when it was stored',
      ({ memory }) => rewrite(memory.state, 'processors and devicez'),
    ],
    ['the RAM was cut', 'ram has 5 bytes and not 17', ({ memory }) => truncateSync(memory.ram, 5)],
    ['the state is missing', 'state is missing', ({ memory }) => rmSync(memory.state)],
    [
      'its disk was written to',
      'disk.qcow2 has 11 bytes and not 10',
      ({ disk }) => writeFileSync(disk, 'an overlay!'),
    ],
    [
      'its manifest is no JSON',
      'the manifest of its memory is missing or damaged',
      ({ disk }) => writeFileSync(join(disk, '../manifest.json'), '{'),
    ],
  ];
  it.each(ruins)('is damaged when %s', async (_, why, ruin) => {
    const { template, warm } = await bed.both();
    expect(await bed.templates.damage(template, warm, bed.io)).toBeUndefined();
    ruin(warm);
    expect(await bed.templates.damage(template, warm, bed.io)).toBe(why);
    expect(await bed.templates.damage(template, undefined, bed.io)).toBeUndefined();
  });

  it('is damaged when the disk of its template is', async () => {
    const { template, warm } = await bed.both();
    rewrite(template.disk, 'A disk');
    expect(await bed.templates.damage(template, warm, bed.io)).toMatch(
      /^disk\.qcow2 has another digest/,
    );
    expect(await bed.templates.damage(template, undefined, bed.io)).toMatch(
      /^disk\.qcow2 has another digest/,
    );
  });

  it('is digested again when the time of a file is another, and not each time', async () => {
    const { template, warm } = await bed.both();
    const verified = () => bed.emitted.filter((one) => one.kind === 'detail').length;
    expect(await bed.templates.damage(template, warm, bed.io)).toBeUndefined();
    expect(verified()).toBe(0);
    utimesSync(warm.memory.ram, 1e9, 1e9);
    expect(await bed.templates.damage(template, warm, bed.io)).toBeUndefined();
    expect(verified()).toBe(3);
    expect(await bed.templates.damage(template, warm, bed.io)).toBeUndefined();
    expect(verified()).toBe(3);
  });

  it('that was taken out of use keeps its disk, and one of the same shape is kept beside it', async () => {
    const { template, warm } = await bed.both();
    await bed.templates.discardWarm(template, warm, bed.io);
    expect((await bed.templates.find(key))?.warm).toEqual([]);
    expect(readFileSync(warm.disk, 'utf8')).toBe('an overlay');
    expect([warm.memory.ram, warm.memory.state].map(existsSync)).toEqual([false, false]);
    const next = await bed.ensureWarm(template);
    expect(next.key).not.toBe(warm.key);
    expect(existsSync(warm.disk)).toBe(true);
  });
});

/** Writes a text of the same length, at another time than before. */
function rewrite(path: string, text: string): void {
  expect(text).toHaveLength(readFileSync(path).length);
  writeFileSync(path, text);
  utimesSync(path, 2e9, 2e9);
}
