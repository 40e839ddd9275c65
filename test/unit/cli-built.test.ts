import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
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

afterAll(() => rmSync(home, { recursive: true, force: true }));

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
        .filter((name) => name.endsWith('.js'))
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
    const project = path.join(home, 'shop');
    mkdirSync(project);
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

describe('what asking for help loads', () => {
  /** The chunks that are loaded before anything is asked for. */
  function loadedAtStart(file: string, seen = new Set<string>()): Set<string> {
    const text = readFileSync(file, 'utf8');
    for (const [, name] of text.matchAll(/^(?:import|\} from) ?"(\.[^"]+)";$/gm)) {
      const chunk = path.join(path.dirname(file), name ?? '');
      if (existsSync(chunk) && !seen.has(chunk)) loadedAtStart(chunk, seen.add(chunk));
    }
    return seen;
  }

  /** The chunk that a chunk loads later. */
  function laterOf(file: string, name: string): string {
    const [, chunk] =
      new RegExp(`import\\("(\\.[^"]*/${name}-\\w+\\.js)"\\)`).exec(readFileSync(file, 'utf8')) ??
      [];
    expect(chunk, name).toBeDefined();
    return path.join(path.dirname(file), chunk ?? '');
  }

  it('is not what writes the log, nor is that loaded by a command that has nothing to log', () => {
    const runCommand = laterOf(laterOf(main, 'run-line'), 'run-command');
    const context = laterOf(runCommand, 'context');
    for (const file of [runCommand, context]) {
      const chunks = [file, ...loadedAtStart(file)];
      const text = chunks.map((chunk) => readFileSync(chunk, 'utf8')).join('\n');
      expect(text).not.toContain('// node_modules/pino/');
    }
    expect(readFileSync(laterOf(runCommand, 'log-pino'), 'utf8')).toContain(
      '// node_modules/pino/',
    );
  });

  it('is neither the parser nor any operation', () => {
    const chunks = [...loadedAtStart(main)];
    const text = chunks.map((chunk) => readFileSync(chunk, 'utf8')).join('\n');
    expect(chunks.length).toBeGreaterThan(0);
    expect(chunks.length).toBeLessThan(readdirSync(path.dirname(chunks[0] ?? main)).length);
    expect(text).toContain('// src/cli/registry.ts');
    expect(text).not.toMatch(/^\/\/ (src\/(ops|config|store|host|drivers)|node_modules)\//m);
  });
});
