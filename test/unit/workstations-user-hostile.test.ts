import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DetectArea, DetectReport } from '../../src/core/detect.ts';
import type { Host } from '../../src/core/host.ts';
import { localFiles } from '../../src/host/files.ts';
import { makeSystem } from '../fixtures/system-tree.ts';
import { type UserOptions, userAreas, userReport } from '../fixtures/user-bed.ts';

/** Something for each area. */
const working = {
  'etc/passwd': 'ada:x:1000:1000::/home/ada:/bin/bash\n',
  'home/ada/.bashrc': '. ~/.nvm/nvm.sh\n',
  'home/ada/.gitconfig': '[user]\n\tname = Ada\n',
  'home/ada/.config/unknown/settings': 'x',
  'home/ada/.nvm/versions/node/v20.11.1/bin/node': { program: '' },
  'home/ada/.local/share/containers/storage/lock': '',
  'bin/podman': { program: `echo '[{"Names":["web"],"Image":"nginx"}]'` },
  'bin/docker': { program: `echo '{"Names":"db","Image":"postgres"}'` },
};

/** Milliseconds, on a machine that has much else to do. */
const bearable = 6000;

type Files = Host['files'];
const refused = () => Promise.reject(new Error('no permission'));
const never = () => new Promise<never>(() => {});

/** The files of this machine, where this becomes of every look at what matches. */
function filesWhere(
  isMeant: (path: string) => boolean,
  answer: () => Promise<never>,
): Partial<Files> {
  const names = ['facts', 'list', 'readText', 'readLink', 'realPath'] as const;
  const look = (name: (typeof names)[number]) => (place: string) =>
    isMeant(place) ? answer() : localFiles[name](place);
  return Object.fromEntries(names.map((name) => [name, look(name)]));
}

async function look(root: string, areas: readonly DetectArea[], options: UserOptions = {}) {
  const started = performance.now();
  const report = await userReport(root, areas, options);
  return { ...report, took: performance.now() - started };
}

const reasons = ({ problems }: Pick<DetectReport, 'problems'>) => problems.map((one) => one.reason);
const namesOf = ({ found }: Pick<DetectReport, 'found'>, area: DetectArea) =>
  found[area]?.map(({ name }) => name);
const userOf = ({ found }: Pick<DetectReport, 'found'>) =>
  Object.fromEntries((found.user ?? []).map(({ name, value }) => [name, value]));

it('a system with nothing in it has no problem but that of the account', async () => {
  const { found, problems } = await look(makeSystem({}), userAreas);
  expect(problems).toEqual([{ area: 'user', reason: 'no account has the home /home/ada' }]);
  expect(found).toMatchObject({ languages: [], containers: [], paths: [], user: [] });
});

describe('a home', () => {
  it('that may not be read hides what is in it, and nothing else', async () => {
    const root = makeSystem({ ...working, 'etc/nginx/nginx.conf': 'x' });
    const files = filesWhere((place) => place.startsWith(`${root}/home/ada`), refused);
    const report = await look(root, userAreas, { files });
    expect(reasons(report)).toEqual(['/home/ada may not be read']);
    expect(report.found.paths?.map((one) => one.path)).toEqual(['/etc/nginx']);
    expect(userOf(report)).toMatchObject({ name: 'ada', uid: '1000', home: '/home/ada' });
    expect(namesOf(report, 'containers')).toEqual(['db']);
  });

  it('on a file system that hangs in one place is looked at in all others', async () => {
    const root = makeSystem(working);
    const files = filesWhere((place) => place.endsWith('/.config/unknown'), never);
    const { found, problems, took } = await look(root, ['paths'], { files });
    expect(found.paths?.map((one) => one.path)).toContain('/home/ada/.bashrc');
    expect(problems.map((one) => one.reason)).toEqual([
      '.config/unknown was not looked at in time',
    ]);
    expect(took).toBeLessThan(bearable);
  });

  it('with links in circles, to nowhere and to the home itself is looked at once', async () => {
    const root = makeSystem({
      ...working,
      'home/ada/.vim': { link: '.vim' },
      'home/ada/.zshrc': { link: '/nowhere' },
      'home/ada/.config/circle': { link: 'circle' },
      'home/ada/.config/whole': { link: '..' },
      'home/ada/.config/unknown/deeper/up': { link: '../..' },
      'home/ada/.config/keys': { link: '/home/ada/.ssh' },
      'home/ada/.ssh/id': 'secret',
    });
    const { found, problems } = await look(root, ['paths']);
    const paths = found.paths?.filter(({ path: one }) => /config|vim|zsh/.test(one));
    expect(paths?.map((one) => [one.path, one.sensitive ?? one.bytes])).toEqual([
      ['/home/ada/.gitconfig', 19],
      ['/home/ada/.config/keys', 'a place of credentials'],
      ['/home/ada/.config/unknown', 1],
      ['/home/ada/.config/whole', 'it leads to your whole home directory'],
    ]);
    expect(problems).toEqual([]);
  });

  it('with 200,000 files in a directory, or directories without an end, is not counted', async () => {
    const root = makeSystem({ ...working, 'home/ada/.cargo/registry/x': '' });
    const many = Array.from({ length: 200_000 }, (_, index) => `f${index}`);
    const endless = `${root}/home/ada/.cargo/registry`;
    const files: Partial<Files> = {
      list: async (place) => {
        if (place.startsWith(endless)) return ['a', 'b', 'c'];
        return place.endsWith('/.nvm') ? many : localFiles.list(place);
      },
      facts: async (place) => localFiles.facts(place.startsWith(endless) ? endless : place),
    };
    const { found, took } = await look(root, ['paths'], { files });
    const sizes = new Map(found.paths?.map((one) => [one.name, one.bytes]));
    expect([sizes.get('nvm'), sizes.get('cargo'), sizes.get('bash')]).toEqual([null, null, 16]);
    expect(took).toBeLessThan(bearable);
  });

  it('with names that are no text, and pipes in the place of files, is looked at', async () => {
    const root = makeSystem(working);
    const odd = (place: string) =>
      Buffer.concat([Buffer.from(path.join(root, place)), Buffer.from([0xff, 0xfe])]);
    mkdirSync(odd('home/ada/.config/'));
    mkdirSync(odd('home/ada/.nvm/versions/node/v22.1.0'));
    writeFileSync(odd('home/ada/.config/unknown/'), 'xx');
    mkdirSync(path.join(root, 'home/ada/.nvm/alias'));
    for (const pipe of ['.nvm/alias/default', '.tool-versions', '.config/git']) {
      execFileSync('mkfifo', [path.join(root, 'home/ada', pipe)]);
    }
    const report = await look(root, userAreas);
    expect(namesOf(report, 'languages')).toEqual(['node']);
    expect(report.found.paths?.filter((one) => one.name === 'unknown')).toMatchObject([
      { bytes: 1 },
    ]);
    expect(userOf(report)).toMatchObject({ 'git name': 'Ada' });
    expect(report.problems).toEqual([]);
  });

  it('with odd names and texts says nothing that a terminal would obey', async () => {
    const root = makeSystem({
      ...working,
      'home/ada/.gitconfig':
        '[user]\n\tname = A\u001b[31mda\u202e\n\temail\n\temail = "a\\tb" ; c\n',
      'home/ada/.config/\u001b[2Jred\u202e/x': '',
      'home/ada/.config/two\nlines/x': '',
    });
    const report = await look(root, userAreas);
    expect(userOf(report)).toMatchObject({
      'git name': 'A\\u001b[31mda\\u202e',
      'git email': 'atb',
    });
    const everything = JSON.stringify(report.found);
    expect(everything).not.toMatch(/[\p{Cc}\p{Cf}]|(?<!\\)\\(?:n|u00)/u);
  });
});

describe('containers', () => {
  const engines = (docker: string, podman: string) =>
    makeSystem({
      ...working,
      'bin/docker': { program: docker },
      'bin/podman': { program: podman },
    });

  it('of one engine are found when the other hangs, and does not hear that it is to end', async () => {
    const root = engines("trap '' TERM; sleep 20", working['bin/podman'].program);
    const report = await look(root, ['containers']);
    expect(namesOf(report, 'containers')).toEqual(['web']);
    expect(reasons(report)).toEqual(['docker: not finished after 1000 ms: ended']);
    expect(report.took).toBeLessThan(bearable);
  });

  it.each([
    ['garbage', 'head -c 10000 /dev/urandom'],
    ['JSON of another kind', `echo '{"a": [1, {"Names": 7}]}'; echo '[[]]'; echo null`],
    ['JSON that is cut off', `echo '[{"Names": ["web"'`],
  ])('of an engine that answers with %s are none, with a note', async (_, program) => {
    const report = await look(engines(program, program), ['containers']);
    expect(namesOf(report, 'containers')).toEqual([]);
    expect(reasons(report).toSorted()).toEqual([
      'docker: a part of its answer is not understood',
      'podman: its answer is not understood',
    ]);
  });

  it('with odd values keep what is understood', async () => {
    const podman = JSON.stringify([
      { Names: ['a', 'b'], Image: 7, State: null, Ports: 'x', Labels: [] },
      { Names: [], Image: 'nameless' },
      { Names: ['c'], Ports: [{ container_port: 'x' }, { container_port: 1, range: 1e9 }, null] },
    ]);
    const report = await look(engines('exit 0', `echo '${podman}'`), ['containers']);
    expect(report.found.containers).toMatchObject([
      { name: 'a', image: '', state: 'unknown', ports: [], project: null },
      { name: 'c', ports: [{ host: null, container: 1 }] },
    ]);
  });

  it('are not asked of podman where it has no storage: it would make one', async () => {
    const { 'home/ada/.local/share/containers/storage/lock': _, ...rest } = working;
    const root = makeSystem({ ...rest, 'bin/podman': { program: 'touch "$0.asked"; echo []' } });
    expect(namesOf(await look(root, ['containers']), 'containers')).toEqual(['db']);
    expect(await localFiles.facts(`${root}/bin/podman.asked`)).toBeUndefined();
  });

  it('are told once where docker is podman by another name', async () => {
    const docker = `exec ${'/usr/bin/'}podman "$@"`;
    const report = await look(engines(docker, working['bin/podman'].program), ['containers']);
    expect(namesOf(report, 'containers')).toEqual(['web']);
    expect(reasons(report)).toEqual([]);
  });
});

describe('languages', () => {
  it('whose program hangs, fails or says no version are left out, with a note', async () => {
    const root = makeSystem({
      ...working,
      'bin/ruby': { program: "trap '' TERM; sleep 20" },
      'bin/php': { program: 'exit 7' },
      'bin/python3': { program: 'head -c 100000 /dev/urandom | tr -d 0-9' },
      'bin/bun': { program: 'echo 1.1.21' },
    });
    const report = await look(root, ['languages']);
    expect(namesOf(report, 'languages')).toEqual(['node', 'bun']);
    expect(reasons(report).toSorted()).toEqual([
      '/bin/php does not say its version',
      '/bin/python3 does not say its version',
      '/bin/ruby does not say its version',
    ]);
    expect(report.took).toBeLessThan(bearable);
  });

  it('of managers with broken files are those that there are', async () => {
    const root = makeSystem({
      ...working,
      'home/ada/.nvm/alias/default': 'a\n',
      'home/ada/.nvm/alias/a': 'default\n',
      'home/ada/.volta/tools/user/platform.json': '{"node":',
      'home/ada/.volta/tools/image/node/18.1.0/bin/node': { program: '' },
      'home/ada/.rustup/toolchains/stable-x/bin/rustc': { program: '' },
      'home/ada/.rustup/settings.toml': '[[[',
      'home/ada/.config/mise/config.toml': 'tools = 7',
      'home/ada/.local/share/mise/installs/go/1.22.0/bin/go': { program: '' },
      'home/ada/.sdkman/candidates/java/current': { link: '../../../..' },
      'var/lib/dpkg/status': 'Package: nodejs\nStatus: install ok\n\n\0\0',
    });
    const { found, problems } = await look(root, ['languages']);
    const versions = found.languages?.map(({ name, version, current }) => [name, version, current]);
    expect(versions).toEqual([
      ['node', '20.11.1', false],
      ['node', '18.1.0', false],
      ['go', '1.22.0', false],
    ]);
    expect(problems).toEqual([]);
  });
});
