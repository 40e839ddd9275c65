import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { cli, freshHome } from '../e2e/support/cli.ts';
import { expectRefused, openGround, secret, told } from './support/ground.ts';

// Finding 4: a file of the project, or what `-o` names in it, is a link to a file that the project has nothing to do with.

const ground = openGround();
const { inside, configure, outside, project } = ground;
const env = { CLONEBOX_HOME: freshHome() };
const run = (line: string, cwd = project) => cli(line.split(' '), { env, cwd });

beforeEach(() => ground.clear());

/** A whole link, and one with `..`: both lead to a file outside. */
const ways = (name: string) => [`${outside}/${name}`, `../outside/${name}`];

describe('.clonebox.yaml that is a link out of the project', () => {
  it.each([
    ...['config validate', 'config show', 'config show --resolved', 'clone --dry-run'],
    ...['config migrate', 'config migrate --backup', 'init'],
    ...['clone --dry-run .clonebox.yaml', 'clone', 'create', 'secret list'],
  ])('is not followed by %s', async (line) => {
    const other = line.includes('migrate') ? 'v1.yaml' : 'broken.yaml';
    for (const target of ['../outside/.clonebox.yaml', `${outside}/${other}`]) {
      ground.clear();
      symlinkSync(target, inside('.clonebox.yaml'));
      expectRefused(await run(line), inside('.clonebox.yaml'));
      expect(readdirSync(project)).toEqual(['.clonebox.yaml']);
    }
    ground.expectUntouched();
  });

  it('is not looked into by detect', async () => {
    symlinkSync(`${outside}/.clonebox.yaml`, inside('.clonebox.yaml'));
    expect(told(await run('detect projects --json'))).not.toContain(secret);
  });

  it('is followed where it stays inside', async () => {
    ground.put('etc/box.yaml', "version: '1'\nvm: { name: within }\n");
    symlinkSync('etc/box.yaml', inside('.clonebox.yaml'));
    const shown = await run('config show --json');
    expect(shown.exitCode, shown.stderr).toBe(0);
    expect(shown.json()).toMatchObject({ name: 'within' });
    expect((await run('config migrate')).exitCode).toBe(0);
    expect(readFileSync(inside('etc/box.yaml'), 'utf8')).toContain("version: '2'");
    expect(lstatSync(inside('.clonebox.yaml')).isSymbolicLink()).toBe(true);
  });
});

describe('a backup of config migrate', () => {
  it('does not go through a link', async () => {
    ground.put('.clonebox.yaml', "version: '1'\nvm: { name: within }\n");
    symlinkSync(`${outside}/key.txt`, inside('.clonebox.yaml.v1'));
    const result = await run('config migrate --backup');
    expect([5, 10], told(result)).toContain(result.exitCode);
    ground.expectUntouched();
    expect(readFileSync(inside('.clonebox.yaml'), 'utf8')).toContain("version: '1'");
  });
});

describe('what a project’s file names', () => {
  it.each(['.env', '.clonebox.env'])('%s is not read through a link', async (name) => {
    configure('secrets: { items: { API_TOKEN: { provider: env } } }\n');
    for (const target of ways('.env')) {
      symlinkSync(target, inside(name));
      const result = await run('secret check --trust');
      expectRefused(result, name);
      expect(result.stdout).toMatch(/API_TOKEN +no/);
      renameSync(inside(name), inside('used'));
    }
  });

  it('a file of SOPS or age is not read through a link', async () => {
    for (const [provider, file] of [
      ['sops', `files: ['enc.yaml']`],
      ['age', `file: enc.yaml`],
    ] as const) {
      ground.clear();
      configure(
        `secrets: { ${provider}: { ${file} }, items: { API_TOKEN: { provider: ${provider} } } }\n`,
      );
      symlinkSync(`${outside}/key.txt`, inside('enc.yaml'));
      const result = await run('secret check --trust');
      expect([3, 10], told(result)).toContain(result.exitCode);
      expect(told(result)).not.toContain(secret);
      expect(told(result)).not.toMatch(/API_TOKEN +\d/);
    }
  });

  it.each([
    ['the profile', '.clonebox/profiles/x.yaml', 'profiles/x.yaml'],
    ['the directory of profiles', '.clonebox/profiles', 'profiles'],
    ['the directory .clonebox', '.clonebox', ''],
  ])('%s is not read through a link', async (_, name, target) => {
    configure('profiles: [x]\n');
    mkdirSync(inside(name, '..'), { recursive: true });
    symlinkSync(`${outside}/${target}`, inside(name));
    for (const line of ['config show', 'clone --dry-run', 'profile show x']) {
      const result = await run(line);
      expect([3, 10], told(result)).toContain(result.exitCode);
      expect(told(result)).toContain('link');
      expect(told(result)).not.toContain(secret);
    }
  });

  it('a manifest that is a link has no say in the plan', async () => {
    for (const target of ways('package.json')) {
      ground.clear();
      symlinkSync(target, inside('package.json'));
      const shown = told(await run('clone --dry-run --json'));
      expect(shown).not.toContain(secret);
      expect(shown).not.toMatch(/"node"/);
      const detected = told(await run('detect projects --json'));
      expect(detected).not.toContain(secret);
      await run('init');
      expect(readFileSync(inside('.clonebox.yaml'), 'utf8')).not.toContain(secret);
    }
  });
});

describe('what -o names', () => {
  const lines = ['audit export -o', 'audit export --format csv -o', 'detect user -o'];

  it.each(lines)('is no way out of a project: %s', async (line) => {
    configure();
    symlinkSync('../outside/key.txt', inside('report.json'));
    symlinkSync(outside, inside('reports'));
    symlinkSync(`${outside}/new`, inside('new.json'));
    for (const name of ['report.json', 'reports/new', 'reports/key.txt', 'new.json'])
      expectRefused(await run(`${line} ${name}`), name.split('/')[0] as string);
    // By its whole path, from elsewhere.
    expectRefused(await run(`${line} ${inside('report.json')}`, '/'), inside('report.json'));
    ground.expectUntouched();
  });

  it('may be reached by the user’s own links', async () => {
    configure();
    mkdirSync(ground.at('mine'));
    writeFileSync(ground.at('mine/old'), 'old');
    symlinkSync('mine', ground.at('link'));
    symlinkSync('old', ground.at('mine/alias'));
    expect((await run(`audit export -o ${ground.at('link/alias')}`)).exitCode).toBe(0);
    expect(readFileSync(ground.at('mine/old'), 'utf8')).toContain('"events"');
    symlinkSync('report.json', inside('latest.json'));
    ground.put('report.json', '');
    expect((await run('audit export -o latest.json')).exitCode).toBe(0);
    expect(readFileSync(inside('report.json'), 'utf8')).toContain('"events"');
  });
});
