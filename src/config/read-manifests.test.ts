import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readManifests } from './read-manifests.ts';

const names = (files: Parameters<typeof readManifests>[0]) =>
  readManifests(files).packages.map(({ name }) => name);
const webOf = (packageJson: object) =>
  readManifests({ packageJson: JSON.stringify(packageJson) }).run.map(
    ({ name, command, env, port }) => ({ name, command, env, port }),
  );

describe('readManifests', () => {
  it('finds nothing where there is nothing', () => {
    expect(readManifests({})).toEqual({ packages: [], run: [], notes: [] });
  });

  it.each([
    [{ packageJson: '{}' }, ['nodejs']],
    [{ packageJson: '{"dependencies":{"a":"1"}}' }, ['nodejs', 'npm']],
    [{ packageJson: '{"devDependencies":{"a":"1"}}' }, ['nodejs', 'npm']],
    [{ packageJson: '{"scripts":{"start":"vite"}}' }, ['nodejs', 'npm']],
    [{ packageJson: '{"scripts":{"start":"node ."}}' }, ['nodejs']],
    [{ requirements: '', pyproject: '' }, ['python3', 'python3-venv', 'python3-pip']],
    [{ goMod: 'module x', makefile: 'all:' }, ['golang-go', 'make']],
    [{ cargoToml: '[package]' }, ['cargo']],
  ])('finds for %j: %j', (files, found) => {
    expect(names(files)).toEqual(found);
  });

  it('says of everything why it is there', () => {
    const { packages, run } = readManifests({
      packageJson: '{"scripts":{"start":"vite --port 3000"},"dependencies":{"vite":"1"}}',
    });
    const source = 'package.json';
    expect([...packages, ...run].map(({ finding }) => finding)).toEqual([
      { source, confidence: 'likely', reason: 'a Node.js project' },
      { source, confidence: 'likely', reason: 'it has dependencies' },
      { source, confidence: 'certain', reason: 'its start script' },
    ]);
  });

  it.each([
    ['node server.js', ['node', 'server.js'], {}, undefined],
    ['PORT=8080 node ./bin/www', ['node', './bin/www'], { PORT: '8080' }, 8080],
    ['node server.js --port=3000', ['node', 'server.js', '--port=3000'], {}, 3000],
    ['node server.js && echo', ['npm', 'start'], {}, undefined],
    ['node "a b.js"', ['npm', 'start'], {}, undefined],
    ['node server.js $PORT', ['npm', 'start'], {}, undefined],
    ['node', ['npm', 'start'], {}, undefined],
    ['vite --port 5173', ['npm', 'start'], {}, 5173],
    ['next start -H ::', ['npm', 'start'], {}, undefined],
    ['vite --port 99999', ['npm', 'start'], {}, undefined],
    ['A=1', ['npm', 'start'], {}, undefined],
  ])('runs the start script %j', (start, command, env, port) => {
    expect(webOf({ scripts: { start } })).toEqual([{ name: 'web', command, env, port }]);
  });

  it('leaves npm in when a script is configured through it', () => {
    const found = webOf({ scripts: { start: 'node a.js' }, config: { port: '4000' } });
    expect(found).toEqual([{ name: 'web', command: ['npm', 'start'], env: {}, port: 4000 }]);
  });

  it('prefers the web line of a Procfile', () => {
    const { run } = readManifests({
      packageJson: '{"scripts":{"start":"node a.js"}}',
      procfile: 'worker: node w.js\nweb: PORT=5000 python -m app\n',
    });
    expect(run).toMatchObject([
      { name: 'web', command: ['python3', '-m', 'app'], env: { PORT: '5000' }, port: 5000 },
    ]);
  });

  it.each([
    [{ procfile: 'web: node a.js $PORT' }, 'web of Procfile is left out: it needs a shell'],
    [
      { procfile: 'web: gunicorn app' },
      'web of Procfile is left out: no package is known for gunicorn',
    ],
    [{ packageJson: '{' }, 'package.json is left out: it is not valid'],
    [{ packageJson: '[]' }, 'package.json is left out: it is not valid'],
    [{ packageJson: 'null' }, 'package.json is left out: it is not valid'],
    [
      { packageJson: `{"a":"${'x'.repeat(2 ** 20)}"}` },
      'package.json is left out: it is longer than 1 MiB',
    ],
    [{ goMod: '\0ELF' }, 'go.mod is left out: it is not text'],
  ])('leaves out what it cannot use, with a note', (files, note) => {
    expect(readManifests(files)).toEqual({ packages: [], run: [], notes: [note] });
  });

  it.each([
    { scripts: [], dependencies: 5, config: null },
    { scripts: { start: 5 }, dependencies: [], config: { port: {} } },
    { scripts: null, config: { port: 70000 } },
  ])('reads past values of an unexpected kind', (content) => {
    const { packages, run, notes } = readManifests({ packageJson: JSON.stringify(content) });
    expect(packages.map(({ name }) => name)).toEqual(['nodejs']);
    expect([run, notes]).toEqual([[], []]);
  });

  it('never throws, whatever the files hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.string().map((s) => `web: ${s}`),
    );
    const files = fc.record({ packageJson: text, requirements: text, procfile: text });
    fc.assert(
      fc.property(files, (given) => {
        expect(readManifests(given).packages.length).toBeLessThanOrEqual(5);
      }),
    );
  });
});
