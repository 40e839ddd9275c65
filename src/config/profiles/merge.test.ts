import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Layer, mergeLayers, placeOf } from './merge.ts';
import { type Profile, parseProfile } from './parse-profile.ts';

type Said = Profile['value'];

/** A layer of a profile's keys, or of its text. */
function layer(keys: object | string, name = 'p'): Layer {
  const text = typeof keys === 'string' ? keys : stringify({ description: name, ...keys });
  const file = `${name}.yaml`;
  const { problems, profile } = parseProfile(text, { name, from: 'project', file });
  if (!profile) throw new Error(JSON.stringify(problems));
  const { description: _, extends: __, ...value } = profile.value;
  return { value, source: { origin: profile.origin, path: [] } };
}

const merged = (...layers: (object | string)[]) =>
  layers.map((one) => layer(one)).reduce(mergeLayers);

const word = fc.constantFrom('a1', 'b1', 'c1', 'd1');
const words = (item: fc.Arbitrary<string> = word) => fc.uniqueArray(item, { maxLength: 4 });
const packages = fc.uniqueArray(fc.tuple(word, fc.constantFrom('', '=1', '=2')), {
  maxLength: 4,
  selector: ([name]) => name,
});
const port = fc.integer({ min: 1, max: 4 });
const unit = fc.record(
  {
    command: fc.array(word, { minLength: 1, maxLength: 3 }),
    cwd: word,
    env: fc.dictionary(fc.constantFrom('A', 'B', 'C'), word),
    restart: fc.constantFrom('no', 'always'),
  },
  { requiredKeys: ['command'] },
);
const step = fc.oneof(
  fc.record({ run: word, as: fc.constantFrom('root', 'user') }),
  fc.record({ file: fc.constant('/f'), content: word }),
);
const remove = fc.record(
  {
    ...{ packages: words(), services: words(), provision: words(), post_commands: words() },
    ...{ run: words(), environment: words(fc.constantFrom('A', 'B', 'C')) },
    ports: words(fc.constantFrom('1', '2', '3')),
    host_ports: words(fc.constantFrom('1', '2', '3')),
    shares: words(fc.constantFrom('/a', './x', './y')),
  },
  { requiredKeys: [] },
);
const profile = fc.record(
  {
    vm: fc.record(
      {
        memory: fc.constantFrom('1G', '2G'),
        cpus: port,
        user: fc.record({ shell: fc.constant('/bin/sh') }),
      },
      { requiredKeys: [] },
    ),
    network: fc.record({ host_ports: fc.uniqueArray(port) }, { requiredKeys: [] }),
    packages: packages.map((all) => all.map((parts) => parts.join(''))),
    services: words(),
    ports: fc.uniqueArray(port, { maxLength: 3 }).map((all) => all.map((one) => `8${one}:${one}`)),
    shares: fc
      .uniqueArray(fc.constantFrom('./x', './y', './z'), { maxLength: 2 })
      .map((hosts) => hosts.map((host, index) => (index === 0 ? { host, guest: '/a' } : { host }))),
    run: fc.dictionary(word, unit, { maxKeys: 3 }),
    // Steps and command lines may be repeated.
    provision: fc.array(step, { maxLength: 4 }),
    post_commands: fc.array(word, { maxLength: 4 }),
    environment: fc.dictionary(fc.constantFrom('A', 'B', 'C'), word),
    remove,
  },
  { requiredKeys: [] },
);

describe('merging', () => {
  it('does not depend on which two of three are merged first', () => {
    fc.assert(
      fc.property(profile, profile, profile, (one, two, three) => {
        const [a, b, c] = [layer(one), layer(two), layer(three)];
        const left = mergeLayers(mergeLayers(a, b), c).value;
        expect(left).toEqual(mergeLayers(a, mergeLayers(b, c)).value);
      }),
      { numRuns: 150 },
    );
  });

  it('changes nothing when one comes twice', () => {
    fc.assert(
      fc.property(profile, profile, (one, two) => {
        const [a, b] = [layer(one), layer({ ...two, remove: {} })];
        expect(mergeLayers(b, b).value).toEqual(b.value);
        const once = mergeLayers(a, b);
        expect(mergeLayers(once, b).value).toEqual(once.value);
      }),
    );
  });

  it('takes the later value, and keeps what only one of them says', () => {
    const nameOf = (item: string) => item.replace(/=.*/, '');
    fc.assert(
      fc.property(profile, profile, (one, two) => {
        const [a, b, both] = [layer(one), layer(two), merged(one, two)].map(({ value }) => {
          return value as Said;
        }) as [Said, Said, Said];
        expect(both.vm?.memory).toBe(b.vm?.memory ?? a.vm?.memory);
        expect(both.environment ?? {}).toMatchObject(b.environment ?? {});
        for (const [name, { command }] of Object.entries(b.run ?? {})) {
          expect(both.run?.[name]?.command).toEqual(command);
        }
        const gone = new Set(b.remove?.packages);
        const kept = (a.packages ?? []).map(nameOf).filter((name) => !gone.has(name));
        const added = (b.packages ?? []).map(nameOf);
        expect((both.packages ?? []).map(nameOf)).toEqual([...new Set([...kept, ...added])]);
      }),
    );
  });

  it.each([
    [
      'an item that both have comes once',
      { services: ['a', 'b'] },
      { services: ['b.service', 'c'] },
      { services: ['a', 'b.service', 'c'] },
    ],
    [
      'a version goes over none, wherever it stands',
      { packages: ['ax', 'bx=1', 'cx=1'] },
      { packages: ['ax=2', 'bx', 'cx=2'] },
      { packages: ['ax=2', 'bx=1', 'cx=2'] },
    ],
    [
      'a port of the guest is on one port of the host',
      { ports: ['8080:80', '5432'] },
      { ports: ['9090:80', '15432:5432'] },
      { ports: ['9090:80', '15432:5432'] },
    ],
    [
      'a share is told apart by its place in the guest',
      { shares: [{ host: '/a', guest: '/d' }, { host: '/b' }] },
      {
        shares: [
          { host: '/c', guest: '/d' },
          { host: '/b', mode: 'rw' },
        ],
      },
      {
        shares: [
          { host: '/c', guest: '/d' },
          { host: '/b', mode: 'rw' },
        ],
      },
    ],
    [
      'a command is replaced whole, and the rest of its unit stays',
      { run: { web: { command: ['a', 'b'], port: 80, env: { A: '1', B: '1' } } } },
      { run: { web: { command: ['c'], env: { B: '2' } } } },
      { run: { web: { command: ['c'], port: 80, env: { A: '1', B: '2' } } } },
    ],
    [
      'repeated steps stay as often as the first says them',
      { post_commands: ['a', 'b', 'a'] },
      { post_commands: ['b', 'c', 'c'] },
      { post_commands: ['a', 'b', 'a', 'c', 'c'] },
    ],
    [
      'null takes a key away',
      { vm: { auth: { ssh_public_key: null } } },
      { vm: { auth: { ssh_keys: [] } } },
      { vm: { auth: { ssh_public_key: null, ssh_keys: [] } } },
    ],
    [
      'what is removed goes before what is added',
      { run: { web: { command: ['a'], port: 80 } } },
      { remove: { run: ['web'] }, run: { web: { command: ['b'] } } },
      { run: { web: { command: ['b'] } }, remove: { run: ['web'] } },
    ],
    [
      'a step is removed by its line, a file by its path',
      { provision: [{ run: 'x' }, { run: 'y', as: 'user' }, { file: '/z', content: '' }] },
      { remove: { provision: ['y', '/z'] } },
      { provision: [{ kind: 'run', run: 'x', as: 'root' }], remove: { provision: ['y', '/z'] } },
    ],
    [
      'ports, shares and units are removed however they are written',
      {
        ports: ['8080:80', '81'],
        network: { host_ports: [5432], allow: ['a.example', 'B.example'] },
        services: ['a.service'],
        shares: [{ host: '~/d' }],
      },
      {
        remove: {
          ...{ ports: ['80'], host_ports: [5432], allow: ['b.EXAMPLE.'] },
          ...{ services: ['a'], shares: ['~/d'] },
        },
      },
      {
        ports: ['81'],
        network: { host_ports: [], allow: ['a.example'] },
        services: [],
        shares: [],
        remove: {
          ...{ ports: ['80'], host_ports: ['5432'], allow: ['b.example'] },
          ...{ services: ['a'], shares: ['~/d'] },
        },
      },
    ],
  ])('%s', (_, one, two, both) => {
    expect(merged(one, two).value).toEqual(both);
  });

  it('knows of each piece which text it is from', () => {
    const a = layer('packages: [x1, y1]\nrun:\n  web: { command: [a], port: 80 }\n', 'a');
    const b = layer(
      'remove: { packages: [x1] }\npackages: [z1]\nrun: { web: { command: [b] } }\n',
      'b',
    );
    const c = layer('remove: { services: [s] }\n', 'c');
    const { source } = [a, layer('services: [s]', 's'), b, c].reduce(mergeLayers);
    const at = (...path: (string | number)[]) => {
      const { file, line, column } = placeOf(source, path);
      return `${file}:${line}:${column}`;
    };
    expect(at('packages', 0)).toBe('a.yaml:1:16');
    expect(at('packages', 1)).toBe('b.yaml:2:12');
    expect(at('run', 'web', 'command')).toBe('b.yaml:3:24');
    expect(at('run', 'web', 'port')).toBe('a.yaml:3:30');
    expect(at('run', 'web', 'restart')).toBe('b.yaml:3:13');
    expect(at('services')).toBe('c.yaml:1:21');
  });
});
