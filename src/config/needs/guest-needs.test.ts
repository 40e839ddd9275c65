import { validRange } from 'semver';
import { describe, expect, it } from 'vitest';
import { type NeededService, type NeededTool, noNeeds } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { chosen, noChoices } from './choices.ts';
import { guestNeeds } from './guest-needs.ts';
import type { GuestFacts } from './provided.ts';
import { releases } from './release.ts';
import { tools } from './tools.ts';

const finding: Finding = { source: 'x', confidence: 'certain', reason: 'it says so' };
const debian: GuestFacts = { release: 'debian:12', workstation: new Map() };
const tool = (name: string, range?: string, other: Partial<Finding> = {}): NeededTool => {
  return { name, range, finding: { ...finding, ...other } };
};
const service = (name: string, range?: string, databases: string[] = []): NeededService => {
  return { name, range, databases, finding };
};
const withTools = (needed: NeededTool[], facts: GuestFacts = debian) => {
  const { packages, steps, notes } = guestNeeds({ ...noNeeds, tools: needed }, facts);
  return {
    packages: packages.map(({ name }) => name),
    steps: steps.map(({ run }) => run),
    notes,
  };
};

describe('a tool', () => {
  it('comes from the distribution when its version will do', () => {
    expect(withTools([tool('node', '>=18'), tool('go')])).toEqual({
      packages: ['nodejs', 'golang-go'],
      steps: [],
      notes: [],
    });
    expect(withTools([tool('java', '21')], { ...debian, release: 'debian:13' }).packages).toEqual([
      'openjdk-21-jdk-headless',
    ]);
  });

  it('comes from its makers when the distribution is too old, in the newest lasting line', () => {
    expect(withTools([tool('node', '>=20')])).toEqual({
      packages: [],
      steps: ['clonebox-install node@24'],
      notes: [],
    });
    expect(withTools([tool('node', '^20.19.0 || >=22.12.0')]).steps[0]).toContain('node@24');
    expect(withTools([tool('node', '>=20.5.0 <21.0.0-0')]).steps[0]).toContain('node@^20.5.0');
    expect(withTools([tool('node', '20.11.1')]).steps[0]).toContain('node@20.11.1');
  });

  it('has the version of this workstation when that will do', () => {
    const facts = { ...debian, workstation: new Map([['node', '20.19.4']]) };
    expect(withTools([tool('node', '>=20')], facts).steps[0]).toContain('node@20.19.4');
    expect(withTools([tool('node', '>=22')], facts).steps[0]).toContain('node@24');
    // What the distribution has is quicker, and asked for as well.
    expect(withTools([tool('node', '>=18')], facts).packages).toEqual(['nodejs']);
  });

  it('may be newer than any line that is known here', () => {
    expect(withTools([tool('pnpm', '12.1.0')]).steps[0]).toContain('pnpm@12.1.0');
    expect(withTools([tool('python', '>=3.99')]).steps[0]).toContain('python@3.99');
    expect(withTools([tool('node', '>=99')]).steps[0]).toContain('node@99');
  });

  it('has the version of an image where that goes with what the project asks for', () => {
    const likely = { confidence: 'likely' } as const;
    const image = (range: string) => tool('node', range, likely);
    expect(withTools([tool('node', '>=20'), image('22')]).steps[0]).toContain('node@22');
    expect(withTools([tool('node', '^20 || >=22'), image('22')]).steps[0]).toContain('node@22');
    expect(withTools([tool('node', '20'), image('22')])).toMatchObject({
      steps: ['clonebox-install node@20'],
      notes: [],
    });
    // Of images that contradict each other, the one that is at hand.
    expect(withTools([image('16'), image('18')]).packages).toEqual(['nodejs']);
  });

  it('is what others test with where nobody else asks', () => {
    expect(withTools([tool('node', '22', { confidence: 'guess' })]).steps[0]).toContain('node@22');
  });

  it('is not exchanged for what somebody else tests with', () => {
    const guessed = tool('node', '22', { confidence: 'guess' });
    expect(withTools([guessed, tool('node')])).toMatchObject({ packages: ['nodejs'], steps: [] });
  });

  it('that nobody has is told, with the images that have it', () => {
    expect(withTools([tool('java', '21')])).toEqual({
      packages: ['openjdk-17-jdk-headless'],
      steps: [],
      notes: ['java 21 (x) is not in debian:12; it is in debian:13, ubuntu:22.04, ubuntu:24.04'],
    });
    expect(withTools([tool('fortran77')])).toEqual({
      packages: [],
      steps: [],
      notes: ['fortran77 (x) is not in debian:12'],
    });
  });

  it('asked for in two ways that nothing satisfies is told', () => {
    const facts = { ...debian, workstation: new Map([['node', '20.19.4']]) };
    const { steps, notes } = withTools([tool('node', '20'), tool('node', '22')], facts);
    expect(steps[0]).toContain('node@20.19.4');
    expect(notes).toEqual(['node: 20.19.4 is installed, and 22 is asked for too']);
  });

  it('asked for in several ways is one that satisfies all', () => {
    expect(withTools([tool('rust', '>=1.74.0'), tool('rust', '>=1.85.0')])).toEqual({
      packages: [],
      steps: ['clonebox-install rust@1.85.0'],
      notes: [],
    });
  });

  it('of an image that nobody knows has the usual packages', () => {
    const facts = { ...debian, release: undefined };
    expect(withTools([tool('node', '>=30')], facts)).toEqual({
      packages: ['nodejs'],
      steps: [],
      notes: ['node: nobody knows which version this image has of it'],
    });
  });

  it.each(Object.entries(tools))('%s is known by versions that can be compared', (_, choices) => {
    const versions = choices.flatMap((choice) => Object.values(choice.versions));
    for (const version of versions) expect(validRange(version), version).toBe(version);
  });

  it('never gives the shell more than a version', () => {
    for (const release of releases) {
      const { steps } = withTools([tool('go', '>=99'), tool('rust', '>=99')], {
        ...debian,
        release,
      });
      for (const step of steps) expect(step).not.toMatch(/[`;&$]/);
    }
  });
});

describe('a service', () => {
  it('is a package, a unit, a role for the user, and its databases', () => {
    const needs = { ...noNeeds, services: [service('postgresql', '15', ['shop', 'shop_test'])] };
    const { packages, services, steps, notes } = guestNeeds(needs, debian);
    expect(packages).toEqual([
      { name: 'postgresql', need: 'postgresql', version: '15.14.0', finding },
    ]);
    expect(services).toEqual([{ name: 'postgresql', finding }]);
    expect(steps.map(({ run }) => run)).toEqual(['clonebox-database postgresql shop shop_test']);
    expect(notes).toEqual([]);
  });

  it('lets the roles in that the project names, from inside the guest alone', () => {
    const shop = { ...service('postgresql'), roles: ['shop', 'postgres', "x' y"] };
    const { steps, notes } = guestNeeds({ ...noNeeds, services: [shop] }, debian);
    expect(steps.map(({ run }) => run)).toEqual([
      'clonebox-database postgresql --role shop --role postgres',
    ]);
    expect(notes).toEqual(['postgresql: nothing is made of the name "x\' y"']);
  });

  it('has the names that the project knows its host by', () => {
    const cache = { ...service('redis'), hosts: ['cache', 'redis', 'x; reboot'] };
    const { steps } = guestNeeds({ ...noNeeds, services: [cache] }, debian);
    expect(steps.map(({ run }) => run)).toEqual(['echo 127.0.0.1 cache redis >> /etc/hosts']);
  });

  it('of another version than the distribution has is told, and there all the same', () => {
    const { packages, notes } = guestNeeds(
      { ...noNeeds, services: [service('postgresql', '16')] },
      debian,
    );
    expect(packages.map(({ name }) => name)).toEqual(['postgresql']);
    expect(notes).toEqual(['postgresql 16 is asked for (x); debian:12 has 15.14.0']);
  });

  it('makes no database of a name that is a command', () => {
    const needs = {
      ...noNeeds,
      services: [service('mysql', undefined, ["x'; rm -rf /; '", 'ok'])],
    };
    const { steps, notes } = guestNeeds(needs, debian);
    expect(JSON.stringify(steps)).not.toContain('rm -rf');
    expect(steps.at(-1)?.run).toBe('clonebox-database mariadb ok');
    expect(notes).toHaveLength(1);
  });

  it('that no distribution has is told', () => {
    const { packages, notes } = guestNeeds({ ...noNeeds, services: [service('mongodb')] }, debian);
    expect([packages, notes]).toEqual([
      [],
      ['mongodb (x) is left out: the distribution has no package of it'],
    ]);
  });
});

describe('a port', () => {
  const run = { name: 'web', command: ['npm', 'start'], env: {}, port: undefined, finding };

  it('of the code is that of the one command that says none', () => {
    const needs = { ...noNeeds, run: [run], ports: [{ port: 3000, finding }] };
    expect(guestNeeds(needs, debian)).toMatchObject({ run: [{ port: 3000 }], idlePorts: [] });
  });

  it('is that of the command of its name, or of `web`, and rather sure than guessed', () => {
    const two = [{ ...run, name: 'api' }, run];
    const guessed = { port: 5173, finding: { ...finding, confidence: 'guess' as const } };
    const ports = [guessed, { port: 3000, finding }, { port: 4000, unit: 'api', finding }];
    const portsOf = (some: typeof ports) =>
      guestNeeds({ ...noNeeds, run: two, ports: some }, debian).run.map(({ port }) => port);
    expect(portsOf(ports.slice(0, 2))).toEqual([undefined, 3000]);
    const one = { ...noNeeds, run: [{ ...run, name: 'api' }], ports };
    expect(guestNeeds(one, debian).run.map(({ port }) => port)).toEqual([4000]);
  });

  it('is told when it could be that of several, or nothing is run', () => {
    const two = {
      ...noNeeds,
      run: [
        { ...run, name: 'api' },
        { ...run, name: 'mail' },
      ],
      ports: [{ port: 3000, finding }],
    };
    expect(guestNeeds(two, debian).idlePorts).toEqual([{ port: 3000, finding }]);
    const none = { ...noNeeds, ports: [{ port: 3000, finding }] };
    expect(guestNeeds(none, debian).idlePorts).toEqual([{ port: 3000, finding }]);
  });

  it('is published once', () => {
    const needs = {
      ...noNeeds,
      run: [
        { ...run, port: 80 },
        { ...run, name: 'b', port: 80 },
      ],
    };
    expect(guestNeeds(needs, debian).run.map(({ port }) => port)).toEqual([80, undefined]);
  });
});

describe('what the user says', () => {
  const found = {
    ...noNeeds,
    tools: [tool('node'), tool('npm')],
    services: [service('redis')],
    packages: [{ name: 'libpq-dev', finding }],
    ports: [{ port: 3000, finding }],
  };

  it('adds tools, services and packages by their names', () => {
    const include = ['postgresql', 'node@20', 'jq'];
    const needs = chosen(found, { ...noChoices, include, packages: ['htop=3.2.2'] });
    expect(needs.services.map(({ name }) => name)).toEqual(['postgresql', 'redis']);
    expect(needs.tools[0]).toMatchObject({ name: 'node', finding: { source: '--include' } });
    expect(validRange(needs.tools[0]?.range)).toBe('>=20.0.0 <21.0.0-0');
    expect(needs.packages.map(({ name }) => name)).toEqual(['jq', 'htop=3.2.2', 'libpq-dev']);
  });

  it('leaves out whatever has the name', () => {
    const exclude = ['npm', 'redis', 'libpq-dev', '3000'];
    expect(chosen(found, { ...noChoices, exclude })).toMatchObject({
      tools: [{ name: 'node' }],
      services: [],
      packages: [],
      ports: [],
    });
  });

  it('may be that nothing is looked at', () => {
    expect(chosen(found, { ...noChoices, detect: false, packages: ['jq'] })).toEqual({
      ...noNeeds,
      packages: [
        { name: 'jq', finding: { ...finding, source: '--packages', reason: 'asked for' } },
      ],
    });
  });
});
