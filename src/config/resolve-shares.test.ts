import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import { parseConfig } from './parse-config.ts';
import type { PlanInput } from './plan-input.ts';
import { resolvePlan } from './resolve-plan.ts';

const file = '.clonebox.yaml';
const me = { name: 'me', uid: 1000, gid: 100, shell: '/usr/bin/fish' };

/** The plan of the lines after `version: '2'`. */
function planOf(lines: string, changed: Partial<PlanInput> = {}): VmPlan {
  return resolvePlan({
    config: parseConfig(`version: '2'\n${lines}`, file),
    configFile: '/home/me/app/.clonebox.yaml',
    project: '/home/me/app',
    overrides: {},
    hostUser: { ...me, home: '/home/me' },
    cpuCount: 8,
    env: {},
    defaultName: 'app' as VmName,
    home: '/home/me',
    ...changed,
  });
}

describe('the shares of a plan', () => {
  it('start at the project or at home, and are read-only outside the project', () => {
    const lines = `shares:
  - { host: ., guest: /app }
  - { host: sub/../lib, guest: /lib2 }
  - { host: ../other }
  - { host: ~/data/, guest: same, mode: rw }
paths: { '~': /host-home }`;
    expect(planOf(lines).shares).toEqual([
      { host: '/home/me/app', guest: '/app', mode: 'rw' },
      { host: '/home/me/app/lib', guest: '/lib2', mode: 'rw' },
      { host: '/home/me/other', guest: '/home/me/other', mode: 'ro' },
      { host: '/home/me/data', guest: '/home/me/data', mode: 'rw' },
      { host: '/home/me', guest: '/host-home', mode: 'ro' },
    ]);
  });

  it('keep the project beside the paths of version 1, unless shares say otherwise', () => {
    const guests = (lines: string) => planOf(lines).shares.map(({ guest }) => guest);
    expect(guests('paths: { /data: /data }')).toEqual(['/home/me/app', '/data']);
    expect(guests('shares: []\npaths: { /data: /data }')).toEqual(['/data']);
  });

  it('come in an order in which none hides another, the project first otherwise', () => {
    const lines = `shares:
  - { host: /data, guest: /data }
  - { host: /deep, guest: /home/me/app/deep }
  - { host: ., guest: same }
  - { host: /outer, guest: /home/me }`;
    expect(planOf(lines).shares.map(({ guest }) => guest)).toEqual([
      '/home/me',
      '/home/me/app',
      '/data',
      '/home/me/app/deep',
    ]);
  });

  it('may be on a removable disk, at the same path', () => {
    const project = '/run/media/me/disk/app';
    expect(planOf('', { project }).shares).toEqual([{ host: project, guest: project, mode: 'rw' }]);
    expect(planOf('shares: [{ host: lib }]', { project }).shares[0]?.guest).toBe(`${project}/lib`);
  });

  it('are none without a project', () => {
    expect(planOf('', { project: undefined }).shares).toEqual([]);
  });

  it.each<[string, string, Partial<PlanInput>, string]>([
    [
      'a place of another',
      'shares: [{ host: . }, { host: /x, guest: /home/me/app }]',
      {},
      '2:42 shares[1].guest is "/home/me/app", the place of another share',
    ],
    [
      'the system at its own path',
      'shares: [{ host: /usr }]',
      {},
      '2:10 shares[0].guest would hide "/usr" of the guest: choose another place in the guest',
    ],
    [
      "another user's ~",
      'shares: [{ host: ~you/x }]',
      {},
      "2:18 shares[0].host starts with another user's ~: write the whole path",
    ],
    [
      'a relative path without a project',
      'paths: { x: /x }',
      { project: undefined },
      '2:13 paths.x is relative, and there is no project directory to start from',
    ],
  ])('refuse %s', (_name, lines, changed, message) => {
    expect(() => planOf(lines, changed)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: `${file}:${message}` }),
    );
  });
});
