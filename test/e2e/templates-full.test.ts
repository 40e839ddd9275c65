import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';
import { buildings, configure, type Made, onlyTemplate, ownCache } from './support/templates.ts';
import { expectFailure, tracesOf } from './support/traces.ts';

// A cache of templates on a disk that is too small for one, then for its memory, then for neither.

const home = freshHome();
const area = scratch();
let own: string;
let place: string;
let env: { CLONEBOX_HOME: string; CLONEBOX_CACHE: string };

const mount = (...words: string[]) => spawnSync('mount', [...words, place]).status === 0;
const withRoom = (size: string) => expect(mount('-o', `remount,size=${size}`)).toBe(true);
const probe = scratch();
const mounts = () => spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', probe]).status === 0;
const noMounts = !mounts();
if (!noMounts) spawnSync('umount', ['-l', probe]);

const project = (name: string) => configure(area, name, { vm: 'memory: 768M' });

async function clone(name: string): Promise<Made> {
  const line = ['clone', project(name), '--run', '--no-wait', '--json'];
  const made = (await ok(line, { env })).json<Made & Record<string, unknown>>();
  expect((await ok(['exec', name, '--', 'hostname'], { env })).stdout.trim()).toBe(name);
  await ok(['delete', name, '--purge', '--yes'], { env });
  return made;
}

beforeAll(async () => {
  own = await ownCache();
  env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: own };
  place = path.join(own, 'templates');
  mkdirSync(place, { mode: 0o700 });
  if (!noMounts) mount('-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs');
});
afterAll(() => void spawnSync('umount', ['-l', place]));

// A disk that small is a mount, which root alone may make, and not in every container.
describe.skipIf(noMounts)('a full disk', () => {
  it('while a template is made is told, and nothing is left', async () => {
    const result = await cli(['clone', project('no-room'), '--run'], { env });
    const says = [/disk of this host is full/];
    expectFailure(result, { exit: 6, code: 'host-unable', says, hint: /[Ff]ree some space/ });
    expect(readdirSync(place)).toEqual([]);
    expect(tracesOf(home, 'no-room')).toEqual([]);
    expect(processesWith(`${home}/`)).toEqual([]);
  });

  it('while its memory is kept makes a clone slower, and says why', async () => {
    withRoom('100m');
    const { path: way, pathReason } = await clone('no-memory');
    expect([way, pathReason]).toEqual(['disk', expect.stringMatching(/[Nn]o space left/)]);
    expect(buildings(own)).toEqual([]);
    expect((await onlyTemplate(env)).warm).toEqual([]);
    expect(processesWith(`${home}/`)).toEqual([]);
  });

  it('that is full no more is enough for the next clone', async () => {
    withRoom('1g');
    expect((await clone('enough')).path).toBe('warm');
  });
});
