import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runLine } from '../../src/cli/run-line.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { widthOf } from '../../src/cli/text.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Detector, FoundLanguage } from '../../src/core/detect.ts';
import type { Finding } from '../../src/core/plan.ts';
import { createHost } from '../../src/host/local.ts';

let area: string;
let home: string;
let cwd: string;

beforeEach(() => {
  area = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbd-')));
  home = path.join(area, 'home');
  cwd = path.join(area, 'project');
  for (const directory of [home, cwd]) mkdirSync(directory);
});
afterEach(() => rmSync(area, { recursive: true }));

const write = (file: string, text: string, mode = 0o644) => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
};

interface Options {
  readonly columns?: number;
  readonly detectors?: readonly Detector[];
  readonly searchPath?: string;
}

/** Runs `clonebox detect …` in the project, with a home of its own. */
async function detect(words: readonly string[], options: Options = {}) {
  const { columns, detectors, searchPath = process.env.PATH } = options;
  const texts = { stdout: '', stderr: '' };
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => {
      texts[stream] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    },
    ...(columns === undefined ? {} : { columns }),
  });
  const terminal: Terminal = {
    env: { NO_COLOR: '1' },
    cwd: () => cwd,
    stdout: output('stdout'),
    stderr: output('stderr'),
    isTty: { stdin: false, stdout: columns !== undefined, stderr: false },
    readInput: async () => Buffer.alloc(0),
    unread: new AbortController().signal,
  };
  const CLONEBOX_HOME = path.join(area, 'state');
  const host = createHost({ PATH: searchPath, HOME: home, CLONEBOX_HOME });
  const overrides: Partial<Ctx> = { host, ...(detectors && { detectors: async () => detectors }) };
  const code = await runLine(['detect', ...words], terminal, overrides);
  return { code, ...texts };
}

const finding = (confidence: Finding['confidence'], reason: string): Finding => ({
  ...{ source: '/etc/sample', confidence, reason },
});
const language = (name: string, version: string, rest: Partial<FoundLanguage> = {}) => ({
  ...{ name, version, path: `/opt/${name}-${version}`, manager: 'nvm', current: false },
  ...{ finding: finding('certain', 'installed with nvm'), ...rest },
});

const languages: Detector<'languages'> = {
  ...{ area: 'languages', summary: 'languages' },
  detect: async () => [
    language('node', '20.11.1'),
    language('node', '22.14.0', { current: true }),
    language('go', '1.21.0', { finding: finding('guess', 'it seems so') }),
    language('go', '1.22.0', { finding: finding('likely', 'it is usual') }),
    language('rust', '1.80.1'),
  ],
};
const ports: Detector<'ports'> = {
  ...{ area: 'ports', summary: 'ports' },
  detect: async ({ note }) => {
    note(
      '/proc/net/tcp6 may not be read, and this is told in a sentence that is longer than a line',
    );
    return [];
  },
};
const containers: Detector<'containers'> = {
  ...{ area: 'containers', summary: 'containers' },
  detect: () => Promise.reject(new Error('no engine')),
};
const samples = [languages, ports, containers];

describe('what is shown', () => {
  it('is a section for each area, with why, and at the end what could not be looked at', async () => {
    const { code, stdout, stderr } = await detect([], { detectors: samples, columns: 80 });
    expect(stdout.split('\n')).toEqual([
      'languages (5)',
      '  NAME  VERSION  RUNS        BY   WHY',
      '  node  20.11.1  -           nvm  installed with nvm',
      '  node  22.14.0  by default  nvm  installed with nvm',
      '  go    1.21.0   -           nvm  guess: it seems so',
      '  go    1.22.0   -           nvm  likely: it is usual',
      '  rust  1.80.1   -           nvm  installed with nvm',
      '',
      'ports: none',
      '',
      'containers: none',
      '',
      'could not be looked at',
      '  ports       /proc/net/tcp6 may not be read, and this is told in a sentence',
      '              that is longer than a line',
      '  containers  no engine',
      '',
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('is only the areas that are named', async () => {
    const { code, stdout } = await detect(['containers', 'languages'], { detectors: samples });
    expect(stdout).toContain('languages (5)');
    expect(stdout).not.toContain('ports');
    expect(code).toBe(0);
  });

  it('fits into 80 columns, whatever this machine has', async () => {
    write(path.join(home, '.config/a-very-long-name-of-a-program-that-nobody-knows/x'), '');
    const { code, stdout } = await detect([], { columns: 80 });
    expect(stdout.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(code).toBe(0);
  });

  it('is the project of the directory, when there is one', async () => {
    const projects = async () => JSON.parse((await detect(['projects', '--json'])).stdout).found;
    expect(await projects()).toEqual({ projects: [] });
    write(path.join(cwd, 'package.json'), '{ "name": "shop", "engines": { "node": ">=20" } }');
    const found = { name: 'project', path: cwd, ecosystems: ['Node.js'] };
    expect(await projects()).toMatchObject({ projects: [found] });
    cwd = home;
    write(path.join(home, 'package.json'), '{}');
    expect(await projects()).toEqual({ projects: [] });
    cwd = '/usr';
    expect(await projects()).toEqual({ projects: [] });
  });

  it('of an unknown area is an error that names the near one', async () => {
    const { code, stderr } = await detect(['container', 'languages'], { detectors: samples });
    expect(stderr).toBe(
      'error: there is no area "container"\nhint: Did you mean: clonebox detect containers\n',
    );
    expect(code).toBe(2);
  });
});

describe('documents', () => {
  it('--json and --yaml say the same', async () => {
    const json = await detect(['--json'], { detectors: samples });
    const yaml = await detect(['--yaml'], { detectors: samples });
    const report = JSON.parse(json.stdout);
    expect(Object.keys(report)).toEqual(['found', 'problems', 'milliseconds']);
    expect(report.problems.at(-1)).toEqual({ area: 'containers', reason: 'no engine' });
    const { milliseconds, ...told } = parse(yaml.stdout);
    expect(told).toEqual({ found: report.found, problems: report.problems });
    expect(Object.keys(milliseconds)).toEqual(['languages', 'ports', 'containers']);
    expect([json.code, yaml.code]).toEqual([0, 0]);
  });

  it('--json and --yaml together are refused', async () => {
    expect((await detect(['--json', '--yaml'], { detectors: samples })).code).toBe(2);
  });

  it('-o writes one into a file for this user alone, and replaces what was there', async () => {
    const file = path.join(cwd, 'report.json');
    write(file, 'old');
    const { code, stdout } = await detect(['-o', 'report.json'], { detectors: samples });
    expect([code, stdout]).toEqual([0, `5 things are in ${file}\n`]);
    expect(JSON.parse(readFileSync(file, 'utf8')).found.languages).toHaveLength(5);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const saved = await detect(['--yaml', '--json', '-o', file], { detectors: samples });
    expect(JSON.parse(saved.stdout)).toEqual({ file, format: 'yaml', found: 5, problems: 2 });
    expect(parse(readFileSync(file, 'utf8')).found.languages).toHaveLength(5);
    expect(readdirSync(cwd)).toEqual(['report.json']);
  });

  it.each([
    ['a directory', '.', 2],
    ['below a directory that is not there', 'no/report.json', 4],
  ])('-o of %s is refused', async (_, file, code) => {
    const refused = await detect(['-o', file], { detectors: samples });
    expect([refused.code, refused.stdout]).toEqual([code, '']);
  });
});

it('--dedupe keeps of one name what runs, then what is most certain, then the first', async () => {
  const { stdout } = await detect(['--dedupe', '--json'], { detectors: samples });
  const kept = JSON.parse(stdout).found.languages as FoundLanguage[];
  expect(kept.map(({ name, version }) => `${name} ${version}`)).toEqual([
    ...['node 22.14.0', 'go 1.22.0', 'rust 1.80.1'],
  ]);
});

describe('a secret', () => {
  const canary = 'c4n4ry-7f3e9b1d';
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  const plant = () => {
    for (const file of [
      ...['.ssh/id_ed25519', '.aws/credentials', '.netrc', '.bash_history', '.zsh_history'],
      ...['.docker/config.json', '.npmrc', '.config/gh/hosts.yml', '.config/unknown/token'],
    ]) {
      write(path.join(home, file), `${canary}\n`, 0o600);
    }
    // The names of what is in such a place are nobody's business either.
    write(path.join(home, `.ssh/${canary}`), '');
    write(path.join(home, `.gnupg/${canary}/key`), '');
    write(path.join(home, '.bashrc'), `export API_TOKEN=${canary}\n. ~/.nvm/nvm.sh\n`);
    write(path.join(home, '.nvm/alias/default'), '20\n');
    write(path.join(home, '.nvm/versions/node/v20.11.1/bin/node'), '', 0o755);
    write(
      path.join(home, '.gitconfig'),
      `[credential]\n\thelper = !echo ${canary}\n[user]\n\tname = Ada\n\tsigningkey = ${canary}\n`,
    );
    symlinkSync('.ssh', path.join(home, '.config/elsewhere'));
    const programs = path.join(area, 'bin');
    const docker = {
      Names: 'db',
      Image: 'postgres',
      Command: canary,
      Labels: `a=${canary}`,
      Env: canary,
    };
    write(path.join(programs, 'docker'), `#!/bin/sh\necho '${JSON.stringify(docker)}'\n`, 0o755);
    const podman = { Names: ['web'], Image: 'nginx', Command: [canary], Env: { A: canary } };
    write(path.join(programs, 'podman'), `#!/bin/sh\necho '[${JSON.stringify(podman)}]'\n`, 0o755);
    mkdirSync(path.join(home, '.local/share/containers/storage'), { recursive: true });
    child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', canary], {
      env: { ...process.env, DB_PASSWORD: canary },
      stdio: 'ignore',
    });
    return `${programs}:/usr/bin:/bin`;
  };

  it('of a place of credentials, a command line, an environment or a container is in no output', async () => {
    const searchPath = plant();
    const file = path.join(area, 'report');
    for (const words of [
      [],
      ['--json'],
      ['--yaml'],
      ['--verbose'],
      ['-o', file],
      ['--dedupe', '--json'],
    ]) {
      const { code, stdout, stderr } = await detect(words, { searchPath });
      expect(code, stderr).toBe(0);
      expect(`${stdout}${stderr}`, words.join(' ')).not.toContain(canary);
    }
    const report = JSON.parse(readFileSync(file, 'utf8'));
    expect(JSON.stringify(report)).not.toContain(canary);
    // All of that was looked at.
    expect(report.found.containers.map((one: { name: string }) => one.name)).toEqual(['db', 'web']);
    expect(report.found.languages).toContainEqual(
      expect.objectContaining({ name: 'node', version: '20.11.1', current: true }),
    );
    expect(report.found.paths).toContainEqual(
      expect.objectContaining({
        path: `${home}/.ssh`,
        sensitive: 'a place of credentials',
        bytes: null,
      }),
    );
  });
});
