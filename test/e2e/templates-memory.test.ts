import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';
import { configure, type Made, onlyTemplate, ownCache } from './support/templates.ts';
import { expectFailure, tracesOf } from './support/traces.ts';

// A host on which other programs have taken the memory: what its kernel says of itself is another file, for us alone.

const home = freshHome();
const area = scratch();
const meminfo = path.join(area, 'meminfo');
const inside = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount --bind "$1" /proc/meminfo && shift && exec "$@"',
  'sh',
  meminfo,
];
const says = (available: number) =>
  writeFileSync(
    meminfo,
    `MemTotal: 8000000 kB\nMemFree: 1000 kB\nMemAvailable: ${available * 1024} kB\n`,
  );
says(1);
const cannotHide = spawnSync(inside[0] as string, [...inside.slice(1), 'true']).status !== 0;
let env: Record<string, string>;

const project = (name: string) => configure(area, name, { vm: 'memory: 768M' });

/** The command line on a host with so many MiB left. */
function withLeft(available: number, args: readonly string[]) {
  says(available);
  return cli(args, { env, around: inside });
}

describe.skipIf(cannotHide)(
  'a host with little memory left (skipped where /proc cannot be covered)',
  () => {
    beforeAll(async () => {
      const own = await ownCache();
      env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: own };
    });

    it('is not made to bake a template, and is told the numbers', async () => {
      const result = await withLeft(400, ['clone', project('late'), '--run', '--json']);
      expectFailure(result, {
        ...{ exit: 6, code: 'host-unable', hint: /Stop a VM .* vm\.memory/ },
        says: [/one more machine needs 608M of memory, and this host has 400M left/],
      });
      expect(result.stderr).not.toMatch(/Booting/);
      expect(tracesOf(home, 'late')).toEqual([]);
      expect((await ok(['template', 'list', '--json'], { env })).json()).toMatchObject({
        templates: [],
      });
    });

    it('gets clones that share the memory of their template, as long as one fits', async () => {
      await ok(['clone', project('early'), '--run', '--no-wait', '--json'], { env });
      expect((await onlyTemplate(env)).warm).toHaveLength(1);
      const made = await withLeft(250, [
        'clone',
        project('shares'),
        '--run',
        '--no-wait',
        '--json',
      ]);
      expect(made.exitCode, made.stderr).toBe(0);
      const { path: way, vm } = made.json<Made>();
      expect([way, vm.memory.mode]).toEqual(['warm', 'shared']);
    });

    it('is refused one more, before a machine is begun, and the others run on', async () => {
      const before = processesWith(`${home}/`);
      const result = await withLeft(150, ['clone', project('more'), '--run']);
      expectFailure(result, {
        ...{ exit: 6, code: 'host-unable', hint: /Stop a VM/ },
        says: [/one more machine needs 192M of memory, and this host has 150M left/],
      });
      expect(result.stderr).not.toMatch(/Going on from|Booting/);
      expect(processesWith(`${home}/`)).toEqual(before);
      expect((await ok(['exec', 'shares', '--', 'hostname'], { env })).stdout.trim()).toBe(
        'shares',
      );
    });

    it('hears from doctor that none fits', async () => {
      const { stdout } = await withLeft(150, ['doctor']);
      expect(stdout).toMatch(/150M of it free.*room for 0 more clones/s);
    });
  },
);
