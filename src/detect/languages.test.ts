import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeSystem } from '../../test/fixtures/system-tree.ts';
import { type UserOptions, userReport } from '../../test/fixtures/user-bed.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { languages } from './languages.ts';

type Entries = Parameters<typeof makeSystem>[0];

const program = { program: '' };
const home = 'home/ada';
const nvm = `${home}/.nvm`;
const nodes = (...versions: string[]): Entries =>
  Object.fromEntries(versions.map((one) => [`${nvm}/versions/node/v${one}/bin/node`, program]));
const debian = (...packages: [name: string, version: string][]) => ({
  'var/lib/dpkg/status': packages
    .map(
      ([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`,
    )
    .join('\n'),
});

async function found(entries: Entries, options: UserOptions = {}) {
  const report = await userReport(makeSystem(entries), ['languages'], options);
  expect(report.problems).toEqual([]);
  return (report.found.languages ?? []).map(
    ({ name, version, manager, current }) => `${name} ${version} ${manager}${current ? ' *' : ''}`,
  );
}

describe('nvm', () => {
  const start = { [`${home}/.bashrc`]: '. "$NVM_DIR/nvm.sh"\n' };
  const ofDefault = (alias: string) =>
    found({ ...nodes('18.2.0', '20.11.1', '20.9.0'), ...start, [`${nvm}/alias/default`]: alias });

  it.each([
    ['v18.2.0', '18.2.0'],
    ['20', '20.11.1'],
    ['20.9', '20.9.0'],
    ['node', '20.11.1'],
    ['stable\n', '20.11.1'],
  ])('gives a new shell for the default %j the version %s', async (alias, version) => {
    expect((await ofDefault(alias)).filter((one) => one.endsWith('*'))).toEqual([
      `node ${version} nvm *`,
    ]);
  });

  it.each(['system', '16', '../../../etc/passwd', ''])('gives none for %j', async (alias) => {
    expect((await ofDefault(alias)).filter((one) => one.endsWith('*'))).toEqual([]);
  });

  it('without a default gives what the PATH has', async () => {
    const searchPath = '/home/ada/.nvm/versions/node/v18.2.0/bin:/usr/bin';
    expect(await found(nodes('18.2.0', '20.11.1'), { searchPath })).toEqual([
      ...['node 18.2.0 nvm *', 'node 20.11.1 nvm'],
    ]);
  });

  it('that no start file turns on is not what a new shell runs', async () => {
    const off = { [`${home}/.bashrc`]: '# . nvm.sh\n', [`${home}/.zshrc`]: '. nvm.sh\n' };
    const entries = { ...nodes('20.11.1'), ...off, [`${nvm}/alias/default`]: '20' };
    expect(await found(entries)).toEqual(['node 20.11.1 nvm']);
    expect(await found(entries, { env: { SHELL: '/bin/zsh' } })).toEqual(['node 20.11.1 nvm *']);
  });

  it('elsewhere is found by its variable', async () => {
    const entries = { 'opt/nvm/versions/node/v22.1.0/bin/node': program };
    expect(await found(entries, { env: { NVM_DIR: '/opt/nvm' } })).toEqual(['node 22.1.0 nvm']);
  });
});

describe("Debian's packages", () => {
  it('are languages with the versions of their makers', async () => {
    const entries = debian(
      ['nodejs', '18.20.4+dfsg-1~deb12u1'],
      ['python3.11', '3.11.2-6+deb12u3'],
      ['python3.11-minimal', '3.11.2-6+deb12u3'],
      ['golang-1.19-go', '1.19.8-2'],
      ['rustc', '1.63.0+dfsg1-2'],
      ['ruby3.1', '3.1.2-7+deb12u1'],
      ['php8.2-cli', '8.2.29-1~deb12u1'],
      ['gcc-12', '12.2.0-14'],
      ['openjdk-17-jre-headless', '17.0.16+8-1~deb12u1'],
      ['gcc-12-base', '12.2.0-14'],
    );
    const jvm = 'usr/lib/jvm/java-17-openjdk-amd64';
    const java = {
      [`${jvm}/release`]: 'JAVA_VERSION="17.0.16"\n',
      'usr/lib/jvm/default': { link: 'java-17-openjdk-amd64' },
      'usr/lib/jvm/mine/release': 'JAVA_VERSION="21.0.1"\n',
    };
    expect(await found({ ...entries, ...java })).toEqual([
      ...['node 18.20.4 apt', 'python 3.11.2 apt', 'go 1.19.8 apt', 'rust 1.63.0 apt'],
      ...[
        'java 21.0.1 system',
        'java 17.0.16 apt',
        'ruby 3.1.2 apt',
        'php 8.2.29 apt',
        'gcc 12.2.0 apt',
      ],
    ]);
  });

  it('are known by what their links lead to', async () => {
    const entries = {
      ...debian(
        ['python3.11', '3.11.2-6'],
        ['golang-1.19-go', '1.19.8-2'],
        ['gcc-12', '12.2.0-14'],
      ),
      'usr/bin/python3.11': program,
      'usr/bin/python3': { link: 'python3.11' },
      'usr/lib/go-1.19/bin/go': program,
      'usr/bin/go': { link: '/etc/alternatives/go' },
      'etc/alternatives/go': { link: '../../usr/lib/go-1.19/bin/go' },
      'usr/bin/x86_64-linux-gnu-gcc-12': program,
      'usr/bin/gcc-12': { link: 'x86_64-linux-gnu-gcc-12' },
      'usr/bin/gcc': { link: 'gcc-12' },
    };
    expect(await found(entries)).toEqual([
      ...['python 3.11.2 apt *', 'go 1.19.8 apt *', 'gcc 12.2.0 apt *'],
    ]);
  });
});

describe('what a new shell runs', () => {
  const system = { 'usr/bin/python3': { program: 'echo Python 3.10.1' } };

  it('is not what a virtual environment, a project or a shim of node_modules has put before', async () => {
    const entries = {
      ...system,
      'srv/app/venv/pyvenv.cfg': '',
      'srv/app/venv/bin/python3': { program: 'echo Python 3.9.9' },
      'srv/app/node_modules/.bin/python3': { program: 'echo Python 3.8.8' },
    };
    const searchPath = '/srv/app/node_modules/.bin:/srv/app/venv/bin:/usr/bin';
    expect(await found(entries, { searchPath })).toEqual(['python 3.10.1 system *']);
  });

  it('is no program of the project that a link of the PATH leads to: that is not run', async () => {
    const root = makeSystem({
      'srv/app/ruby': { program: 'touch "$0.ran"; echo ruby 3.3.0' },
      'usr/local/bin/ruby': { link: '../../../srv/app/ruby' },
    });
    const host = createHost({ PATH: '/usr/local/bin' });
    const scope = { root, home: '/home/ada', project: '/srv/app' };
    const input = { host, scope, io: quietIo(), pace: 1, note: () => expect.unreachable() };
    expect(await languages.detect(input)).toEqual([]);
    expect(existsSync(`${root}/usr/local/bin/ruby.ran`)).toBe(false);
    // Of another project it is a program like any.
    const elsewhere = { ...input, scope: { ...scope, project: '/srv/other' } };
    expect(await languages.detect(elsewhere)).toMatchObject([{ name: 'ruby', version: '3.3.0' }]);
  });

  it('is the first of two programs in the PATH, and both are found', async () => {
    const entries = { ...system, 'usr/local/bin/python3': { program: 'echo Python 3.13.1' } };
    expect(await found(entries, { searchPath: '/usr/local/bin:/usr/bin' })).toEqual([
      ...['python 3.13.1 by hand *', 'python 3.10.1 system'],
    ]);
  });

  it.each([
    ['3.12.4\n', 'python 3.12.4 pyenv *'],
    ['system\n', 'python 3.10.1 system *'],
  ])('is what pyenv has written down: %j', async (version, current) => {
    const entries = {
      ...system,
      [`${home}/.pyenv/version`]: version,
      [`${home}/.pyenv/versions/3.12.4/bin/python`]: program,
      [`${home}/.pyenv/shims/python3`]: program,
    };
    const all = await found(entries, { searchPath: '/home/ada/.pyenv/shims:/usr/bin' });
    expect(all).toContain(current);
    expect(all.filter((one) => one.endsWith('*'))).toHaveLength(1);
  });

  it("is the base of conda, unless conda's settings say no", async () => {
    const entries = {
      ...system,
      [`${home}/.bashrc`]: '# >>> conda initialize >>>\n',
      [`${home}/miniconda3/conda-meta/python-3.12.4-h1_0.json`]: '{}',
    };
    expect(await found(entries)).toEqual(['python 3.12.4 conda *', 'python 3.10.1 system']);
    const off = { ...entries, [`${home}/.condarc`]: 'auto_activate_base: false\n' };
    expect(await found(off)).toEqual(['python 3.10.1 system *', 'python 3.12.4 conda']);
  });

  it('is of asdf what ~/.tool-versions has first', async () => {
    const entries = {
      [`${home}/.bashrc`]: '. "$HOME/.asdf/asdf.sh"\n',
      [`${home}/.tool-versions`]: 'nodejs 20.11.1 18.2.0 # both\ngolang 1.22.0\nunheard-of 1\n',
      [`${home}/.asdf/installs/nodejs/18.2.0/bin/node`]: program,
      [`${home}/.asdf/installs/nodejs/20.11.1/bin/node`]: program,
      [`${home}/.asdf/installs/golang/1.22.0/go/bin/go`]: program,
      [`${home}/.asdf/installs/java/temurin-21.0.2+13.0.LTS/bin/java`]: program,
    };
    expect(await found(entries)).toEqual([
      ...['node 20.11.1 asdf *', 'node 18.2.0 asdf', 'go 1.22.0 asdf *', 'java 21.0.2 asdf'],
    ]);
  });

  it('of several managers is that of the one that is turned on last', async () => {
    const entries = {
      ...nodes('20.11.1'),
      [`${nvm}/alias/default`]: '20',
      [`${home}/.volta/tools/image/node/22.1.0/bin/node`]: program,
      [`${home}/.volta/tools/user/platform.json`]: '{"node":{"runtime":"22.1.0","npm":null}}',
    };
    const started = (text: string) => found({ ...entries, [`${home}/.bashrc`]: text });
    expect(await started('. nvm.sh\nexport VOLTA_HOME=x\n')).toEqual([
      ...['node 22.1.0 volta *', 'node 20.11.1 nvm'],
    ]);
    expect(await started('export VOLTA_HOME=x\n. nvm.sh\n')).toEqual([
      ...['node 20.11.1 nvm *', 'node 22.1.0 volta'],
    ]);
  });
});
