import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import { noNeeds } from '../core/needs.ts';
import { draftConfig } from './draft-config.ts';
import { guestNeeds } from './needs/guest-needs.ts';
import { releases } from './needs/release.ts';
import { parseConfig } from './parse-config.ts';

const name = 'my-app' as VmName;
const project = '/home/me/my app';
const facts = { release: 'debian:12', workstation: new Map<string, string>() } as const;
const because = (source: string, reason: string) => {
  return { source, confidence: 'likely', reason } as const;
};
const nothing = guestNeeds(noNeeds, facts);
const node = guestNeeds(
  {
    ...noNeeds,
    tools: [
      { name: 'node', range: undefined, finding: because('package.json', 'a Node.js project') },
      { name: 'npm', range: undefined, finding: because('package.json', 'it has dependencies') },
    ],
    services: [
      {
        ...{ name: 'postgresql', range: '15', databases: ['shop'] },
        finding: because('compose.yaml', 'it has postgres:15'),
      },
    ],
    ports: [{ port: 9229, finding: because('server.js', 'it listens there') }],
    run: [
      {
        ...{ name: 'web', command: ['node', 'server.js'], env: { PORT: '8080' }, port: 8080 },
        finding: because('package.json', 'its start script'),
      },
    ],
    setup: [{ command: 'npm ci', finding: because('package.json', 'they are not there') }],
    notes: ['web of Procfile is left out: no package is known for ./run'],
  },
  facts,
);

describe('draftConfig', () => {
  it('says in its first lines where its schema is, then what it is, and ends with a newline', () => {
    const draft = draftConfig({ name, project, needs: nothing });
    expect(draft).toMatch(/^# yaml-language-server: \$schema=https:.*\n# .*"my app".*CloneBox/);
    expect(draft.indexOf('\n')).toBeLessThan(100);
    expect(draft).toMatch(/[^\n]\n$/);
  });

  it('writes down what was found, and why', () => {
    const draft = draftConfig({ name, project, needs: node, image: 'debian:12' });
    expect(draft).toContain('  - nodejs # package.json: a Node.js project\n');
    expect(draft).toContain('# Note: web of Procfile is left out: no package is known for ./run\n');
    expect(draft).toContain(
      '# Note: nothing here starts what listens on 9229 (server.js: it listens',
    );
    expect(parseConfig(draft, 'x')).toMatchObject({
      version: '2',
      vm: { name: 'my-app', image: 'debian:12' },
      shares: [{ host: '.', guest: 'same', mode: 'rw' }],
      packages: ['nodejs', 'postgresql'],
      services: ['postgresql'],
      provision: [{ run: 'clonebox-install npm' }, { run: 'clonebox-database postgresql shop' }],
      post_commands: ['npm ci'],
      run: { web: { command: ['node', 'server.js'], env: { PORT: '8080' }, port: 8080 } },
    });
  });

  it('names the profiles that were asked for', () => {
    const draft = draftConfig({ name, project, needs: node, profiles: ['node', 'redis-7'] });
    expect(parseConfig(draft, 'x').profiles).toEqual(['node', 'redis-7']);
    expect(parseConfig(draftConfig({ name, project, needs: node }), 'x').profiles).toBe(undefined);
  });

  it('does not name the directory it was made in', () => {
    expect(draftConfig({ name, project, needs: node })).not.toContain('/home/me');
  });

  it.each([
    ['nothing', nothing],
    ['units', node],
  ])('is still valid with every comment of a key turned into the key, with %s', (_, needs) => {
    const draft = draftConfig({ name, project, needs });
    const uncommented = draft.replace(/^( *)# (( *)([a-z_]+:( |$)|- ))/gm, '$1$2');
    expect(Object.keys(parseConfig(uncommented, 'x')).toSorted()).toEqual(
      [
        ...['version', 'vm', 'shares', 'packages', 'snap_packages', 'services', 'run', 'provision'],
        ...['post_commands', 'ports', 'environment', 'network', 'origin', 'profiles'],
      ].toSorted(),
    );
  });

  it('always parses, and says what it was given', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('null', 'yes', '1e3', '# x', "it's", 'a\0b', 'postgresql', 'node', 'web', ''),
    );
    const safe = text.map((value) => value.replace(/\p{Cs}/gu, ''));
    const finding = fc.record({
      source: safe,
      confidence: fc.constantFrom('guess' as const, 'certain' as const),
      reason: safe,
    });
    const range = fc.constantFrom(undefined, '20', '>=18', '^99', '*');
    const port = fc.integer({ min: 1, max: 65_535 });
    const named = (item: fc.Arbitrary<string>) => fc.record({ name: item, finding });
    const needs = fc.record({
      ecosystems: fc.array(safe, { maxLength: 2 }),
      tools: fc.array(
        fc.record({
          name: fc.oneof(safe, fc.constantFrom('node', 'python', 'java', 'valueOf', 'constructor')),
          range,
          finding,
        }),
        { maxLength: 3 },
      ),
      packages: fc.array(named(fc.oneof(safe, fc.constantFrom('g++', '7zip', 'libc6.1'))), {
        maxLength: 3,
      }),
      services: fc.array(
        fc.record({ name: safe, range, databases: fc.array(safe, { maxLength: 2 }), finding }),
        { maxLength: 3 },
      ),
      ports: fc.array(fc.record({ port, finding }), { maxLength: 3 }),
      run: fc.array(
        fc.record({
          name: fc.oneof(safe, fc.constantFrom('web', 'null', 'on', 'a-1', 'ssh')),
          command: fc.array(safe, { maxLength: 3 }),
          env: fc.dictionary(fc.oneof(safe, fc.stringMatching(/^[A-Z_]{1,8}$/)), safe, {
            maxKeys: 2,
          }),
          port: fc.option(port, { nil: undefined }),
          finding,
        }),
        { maxLength: 3 },
      ),
      setup: fc.array(fc.record({ command: safe, finding }), { maxLength: 2 }),
      notes: fc.array(safe, { maxLength: 2 }),
    });
    const release = fc.constantFrom(undefined, ...releases);
    const vmName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/).map((value) => value as VmName);
    fc.assert(
      fc.property(vmName, safe, needs, release, (vm, path, found, on) => {
        const given = guestNeeds(found, { ...facts, release: on });
        const config = parseConfig(draftConfig({ name: vm, project: path, needs: given }), 'x');
        expect(config.vm?.name).toBe(vm);
        expect(config.packages).toEqual(given.packages.map((item) => item.name));
        expect(config.services ?? []).toEqual(given.services.map((item) => item.name));
        expect(config.post_commands ?? []).toEqual(given.setup.map(({ command }) => command));
        for (const { name: unitName, command, env, port: own } of given.run) {
          const read = config.run?.[unitName];
          expect([read?.command, read?.env ?? {}, read?.port]).toEqual([command, { ...env }, own]);
        }
      }),
    );
  });
});
