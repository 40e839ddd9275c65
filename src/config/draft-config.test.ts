import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import { draftConfig } from './draft-config.ts';
import { parseConfig } from './parse-config.ts';
import { readManifests } from './read-manifests.ts';

const name = 'my-app' as VmName;
const project = '/home/me/my app';
const nothing = readManifests({});
const node = readManifests({
  packageJson: '{"scripts":{"start":"PORT=8080 node server.js"},"dependencies":{"x":"1"}}',
  procfile: 'web: ./run',
});

describe('draftConfig', () => {
  it('says in its first line what it is, and ends with a newline', () => {
    const draft = draftConfig({ name, project, manifests: nothing });
    expect(draft).toMatch(/^# .*"my app".*CloneBox/);
    expect(draft).toMatch(/[^\n]\n$/);
  });

  it('writes down what was found, and why', () => {
    const draft = draftConfig({ name, project, manifests: node, image: 'debian:12' });
    expect(draft).toContain('  - nodejs # package.json: a Node.js project\n');
    expect(draft).toContain('# Note: web of Procfile is left out: no package is known for ./run\n');
    expect(parseConfig(draft, 'x')).toMatchObject({
      version: '2',
      vm: { name: 'my-app', image: 'debian:12' },
      shares: [{ host: '.', guest: 'same', mode: 'rw' }],
      packages: ['nodejs', 'npm'],
      run: { web: { command: ['node', 'server.js'], env: { PORT: '8080' }, port: 8080 } },
    });
  });

  it('does not name the directory it was made in', () => {
    expect(draftConfig({ name, project, manifests: node })).not.toContain('/home/me');
  });

  it.each([
    ['nothing', nothing],
    ['units', node],
  ])('is still valid with every comment of a key turned into the key, with %s', (_, manifests) => {
    const draft = draftConfig({ name, project, manifests });
    const uncommented = draft.replace(/^( *)# (( *)([a-z_]+:( |$)|- ))/gm, '$1$2');
    expect(Object.keys(parseConfig(uncommented, 'x')).toSorted()).toEqual(
      [
        ...['version', 'vm', 'shares', 'packages', 'snap_packages', 'services', 'run', 'provision'],
        ...['post_commands', 'ports', 'environment', 'network', 'origin'],
      ].toSorted(),
    );
  });

  it('always parses, and says what it was given', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('null', 'yes', '1e3', '# x', "it's"),
    );
    const word = text.map((value) => value.replaceAll('\0', '').replace(/\p{Cs}/gu, ''));
    const finding = fc.record({
      source: text,
      confidence: fc.constant('guess' as const),
      reason: text,
    });
    const unit = fc.record({
      name: fc.constantFrom('web', 'null', 'on', 'a-1'),
      command: fc.array(word, { minLength: 1, maxLength: 4 }),
      env: fc.dictionary(fc.stringMatching(/^[A-Z_]{1,8}$/), word, { maxKeys: 3 }),
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
      finding,
    });
    const planned = fc.record({
      name: fc.constantFrom('nodejs', 'g++', '7zip', 'libc6.1'),
      version: fc.constantFrom(undefined, '1:2.3-4~x'),
      finding,
    });
    const manifests = fc.record({
      packages: fc.uniqueArray(planned, { selector: (item) => item.name }),
      run: fc.uniqueArray(unit, { selector: (item) => item.name, maxLength: 1 }),
      notes: fc.array(text, { maxLength: 2 }),
    });
    const vmName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/).map((value) => value as VmName);
    fc.assert(
      fc.property(vmName, text, manifests, (vm, path, found) => {
        const config = parseConfig(draftConfig({ name: vm, project: path, manifests: found }), 'x');
        expect(config.vm?.name).toBe(vm);
        for (const { name: unitName, command, env, port } of found.run) {
          const read = config.run?.[unitName];
          expect([read?.command, read?.env ?? {}, read?.port]).toEqual([command, { ...env }, port]);
        }
        expect(config.packages).toEqual(
          found.packages.map((item) => (item.version ? `${item.name}=${item.version}` : item.name)),
        );
      }),
    );
  });
});
