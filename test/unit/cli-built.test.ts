import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const main = path.join(root, 'dist/main.js');
const home = mkdtempSync(path.join(tmpdir(), 'cb-cli-'));

/** Runs the built program with an empty state directory. */
function clonebox(...args: string[]) {
  const { HOME = '/', PATH = '' } = process.env;
  const env = { HOME, PATH, CLONEBOX_HOME: home, CLONEBOX_CACHE: path.join(home, 'cache') };
  const run = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env, cwd: home });
  return { code: run.status, stdout: run.stdout, stderr: run.stderr };
}

beforeAll(() => {
  const build = spawnSync(process.execPath, [path.join(root, 'scripts/build.mjs')], { cwd: root });
  expect(build.status).toBe(0);
}, 60_000);

afterAll(() => {
  for (const place of [home, `${home}-projects`]) rmSync(place, { recursive: true, force: true });
});

describe('the built program', () => {
  it('prints its help, also when it is called alone', () => {
    const help = clonebox('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: clonebox COMMAND/);
    expect(clonebox()).toEqual(help);
    expect(clonebox('help')).toEqual(help);
    expect(clonebox('-h', '--no-color')).toEqual(help);
  });

  it('has nothing in it of what strikes operations in the crash tests', () => {
    // Beside dist/: a build moves in by renaming.
    const out = path.join(root, `dist.tmp-built-${process.pid}`);
    const texts = (...flags: string[]) => {
      const build = spawnSync(
        process.execPath,
        [path.join(root, 'scripts/build.mjs'), ...flags, '--out', out],
        { encoding: 'utf8' },
      );
      expect(build.status, build.stderr).toBe(0);
      const files = readdirSync(out, { recursive: true, encoding: 'utf8' });
      return files
        .filter((name) => /\.m?js$/.test(name))
        .map((name) => readFileSync(path.join(out, name), 'utf8'))
        .join('\n');
    };
    const hook = /FAULT_(AT|DO|LIST)|strikeAt/;
    expect(texts()).not.toMatch(hook);
    rmSync(out, { recursive: true });
    expect(texts('--faults')).toMatch(hook);
    rmSync(out, { recursive: true });
  });

  it('prints the help of a command in three ways', () => {
    const help = clonebox('image', 'pull', '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: clonebox image pull IMAGE/);
    expect(clonebox('help', 'image', 'pull')).toEqual(help);
    expect(clonebox('--help', 'image', 'pull', '--fresh')).toEqual(help);
  });

  it('prints the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    expect(clonebox('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(JSON.parse(clonebox('-V', '--json').stdout)).toEqual({ version });
  });

  it('suggests the near command for one that is not there', () => {
    const { code, stdout, stderr } = clonebox('strat');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Did you mean: clonebox start');
  });

  it('tells scripts what is wrong as one document', () => {
    const { code, stdout, stderr } = clonebox('status', 'nope', '--json');
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
    const { error } = JSON.parse(stdout);
    expect(error).toMatchObject({ code: 'not-found', facts: { vm: 'nope' } });
    expect(error.hint).toContain('clonebox list');
  });

  it('tells people the same on standard error', () => {
    const { code, stdout, stderr } = clonebox('exec', 'nope', '--', 'true');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    const [id] = /[0-9a-f]{16}/.exec(stderr) ?? [];
    expect(stderr.split('\n')).toEqual([
      ...['error: there is no VM named nope', 'hint: See what there is: clonebox list'],
      ...[`operation: ${id} (clonebox logs --operation ${id})`, ''],
    ]);
    const story = clonebox('logs', '--operation', id ?? '');
    expect(story).toMatchObject({ code: 0, stderr: '' });
    expect(story.stdout).toMatch(/^\S+Z clonebox .*vm\.exec\.started/);
    expect(story.stdout).toMatch(/error command\.failed .*there is no VM named nope.* exit_code=4/);
  });

  it('lists no VM as an empty list', () => {
    expect(JSON.parse(clonebox('list', '--json').stdout)).toEqual({ vms: [] });
    expect(clonebox('ls').stdout).toContain('clonebox clone --run');
  });

  it('shows a configuration to people and scripts alike', () => {
    const project = path.join(`${home}-projects`, 'shop');
    mkdirSync(project, { recursive: true });
    expect(clonebox('init', project)).toMatchObject({ code: 0, stderr: '' });
    expect(clonebox('config', 'validate', project)).toMatchObject({ code: 0, stderr: '' });
    expect(clonebox('config', 'show', project).stdout).toMatch(/^name: shop$/m);
    const plan = JSON.parse(clonebox('config', 'show', project, '--json').stdout);
    expect(plan).toMatchObject({ name: 'shop', project });
    expect(clonebox('clone', project, '--dry-run').stdout).toContain('shop would be made so:');
  });

  it('draws the table of VMs, also of one whose record cannot be read', () => {
    mkdirSync(path.join(home, 'vms/odd'), { recursive: true });
    writeFileSync(path.join(home, 'vms/odd/record.json'), '{');
    const { code, stdout } = clonebox('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +STATE +PORTS +PROJECT\nodd +broken +- +-\nwarning: odd: /);
    rmSync(path.join(home, 'vms/odd'), { recursive: true });
  });

  it('is quiet when nobody reads its output', () => {
    const pipe = `'${process.execPath}' '${main}' --help | true; echo "\${PIPESTATUS[0]}"`;
    const run = spawnSync('bash', ['-c', pipe], { encoding: 'utf8' });
    expect(run).toMatchObject({ stdout: '0\n', stderr: '' });
  });
});

describe('what is loaded', () => {
  /** The text of a chunk and of those that are loaded with it. */
  function loadedWith(file: string, seen = new Map<string, string>()): string {
    const text = readFileSync(file, 'utf8');
    seen.set(file, text);
    for (const [, name] of text.matchAll(/^(?:import|\} from) ?"(\.[^"]+)";$/gm)) {
      const chunk = path.join(path.dirname(file), name ?? '');
      if (!seen.has(chunk)) loadedWith(chunk, seen);
    }
    return [...seen.values()].join('\n');
  }

  /** The chunk that a chunk loads later. */
  function laterOf(file: string, name: string): string {
    const later = new RegExp(`import\\("(\\.[^"]*/${name}(?:-\\w+)?\\.mjs)"\\)`);
    const [, chunk] = later.exec(readFileSync(file, 'utf8')) ?? [];
    expect(chunk, name).toBeDefined();
    return path.join(path.dirname(file), chunk ?? '');
  }

  const program = () => laterOf(main, 'program');
  const runCommand = () => laterOf(program(), 'run-command');
  const context = () => laterOf(runCommand(), 'context');

  it('is one small file for help and the version, without the program', () => {
    const text = readFileSync(main, 'utf8');
    expect(text.length).toBeLessThan(4_000);
    expect([...text.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name)).toEqual([
      'node:fs',
      'node:path',
    ]);
    const help = path.join(path.dirname(main), 'help.txt');
    expect(clonebox('--help').stdout).toBe(readFileSync(help, 'utf8'));
    renameSync(help, `${help}.away`);
    expect(clonebox('--help').stdout, 'the program says the same').toBe(
      readFileSync(`${help}.away`, 'utf8'),
    );
    renameSync(`${help}.away`, help);
  });

  it('is neither the parser nor any operation to find the command', () => {
    expect(loadedWith(program())).toContain('// src/cli/registry.ts');
    expect(loadedWith(program())).not.toMatch(
      /^\/\/ (src\/(ops|config|store|host|drivers)|node_modules\/(yaml|zod))\//m,
    );
  });

  it('is no log, no YAML and no archive for a command that only reads', () => {
    for (const file of [runCommand(), context()])
      expect(loadedWith(file)).not.toMatch(/^\/\/ node_modules\/(pino|yaml|tar-stream)\//m);
    expect(loadedWith(laterOf(runCommand(), 'log-pino'))).toContain('// node_modules/pino/');
  });
});
