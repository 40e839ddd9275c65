import { describe, expect, it } from 'vitest';
import type { VmName } from '../../core/name.ts';
import { outsideReach } from '../outside-reach.ts';
import { parseConfig } from '../parse-config.ts';
import { resolvePlan } from '../resolve-plan.ts';
import { applyProfiles } from './apply-profiles.ts';
import { bundledProfiles } from './bundled.ts';
import { orderProfiles } from './order-profiles.ts';
import { parseProfile } from './parse-profile.ts';

const home = '/home/me';
const names = [...bundledProfiles.keys()];
const profiles = new Map(
  [...bundledProfiles].map(([name, text]) => {
    const { problems, profile } = parseProfile(text, { name, from: 'bundled', file: name });
    expect(problems).toEqual([]);
    return [name, profile];
  }),
);

function planWith(...wanted: string[]) {
  const own = parseConfig(`version: '2'\nprofiles: [${wanted.join(', ')}]`, 'x');
  const places = wanted.map((name) => ({ name, place: own.origin?.at([]) as never }));
  const { order, problems } = orderProfiles(places, { profiles, names });
  const applied = applyProfiles(own, order);
  expect([...problems, ...applied.problems]).toEqual([]);
  return resolvePlan({
    ...{ config: applied.config, configFile: 'x', project: `${home}/app`, overrides: {}, home },
    hostUser: { name: 'me', uid: 1000, gid: 1000, home, shell: '/bin/bash' },
    ...{ cpuCount: 2, env: {}, defaultName: 'app' as VmName },
  });
}

describe('profiles that come with CloneBox', () => {
  it('are those that are documented', () => {
    expect(names.toSorted()).toEqual(
      'docker go ml-dev node postgres-15 python redis-7 rust web-stack'.split(' '),
    );
  });

  it.each(names)('%s is described, resolves, and reaches nothing outside', (name) => {
    expect(profiles.get(name)?.value.description).toMatch(/^[A-Z].{10,70}[^.]$/);
    const plan = planWith(name);
    expect(plan.packages.length).toBeGreaterThan(0);
    expect(plan.shares).toEqual([{ host: `${home}/app`, guest: `${home}/app`, mode: 'rw' }]);
    expect(outsideReach(plan, home)).toEqual([]);
  });

  it('go together, all of them', () => {
    const plan = planWith(...names);
    const packages = plan.packages.map((one) => one.name);
    expect(new Set(packages).size).toBe(packages.length);
    expect(packages).toEqual(expect.arrayContaining(['nodejs', 'golang', 'postgresql-15']));
    expect(plan.services.toSorted()).toEqual(['docker', 'nginx', 'postgresql', 'redis-server']);
    expect(plan.memory).toBe(4 * 1024 ** 3);
  });
});
