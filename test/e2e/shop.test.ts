import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DetectReport } from '../../src/core/detect.ts';
import { cli, freshHome, ok, root, scratch } from './support/cli.ts';

interface Because {
  readonly finding: { source: string; reason: string; confidence: string };
}

interface Plan {
  readonly needs: readonly (Because & { name: string; package: string; version: string })[];
  readonly services: readonly (Because & { name: string })[];
  readonly run: readonly (Because & { name: string; command: string[]; port: number })[];
  readonly postCommands: readonly (Because & { command: string })[];
  readonly withheld: readonly { path: string; reason: string }[];
}

/** A project of Node.js, PostgreSQL and Redis that no one has written a file for, at a workstation full of secrets. */
describe('a shop, from nothing but its own files', () => {
  const home = freshHome();
  const user = scratch();
  const project = path.join(scratch(), 'shop');
  const env = { CLONEBOX_HOME: home, HOME: user };
  const canary = `canary${randomBytes(12).toString('hex')}`;
  const places = ['.ssh/id_ed25519', '.aws/credentials', '.netrc', '.pgpass', '.git-credentials'];
  places.push('.gnupg/secring.gpg', '.kube/config', '.docker/config.json', '.config/gh/hosts.yml');
  const exec = (...argv: string[]) => cli(['exec', project, '--', ...argv], { env });
  let plan: Plan;
  let told = '';

  beforeAll(async () => {
    cpSync(path.join(root, 'test/fixtures/projects/shop'), project, { recursive: true });
    for (const place of [...places, 'other/.env', '.bash_history']) {
      mkdirSync(path.join(user, path.dirname(place)), { recursive: true });
      writeFileSync(path.join(user, place), `token=${canary}\n`);
    }
    const secrets = { ...env, API_TOKEN: canary, PGPASSWORD: canary, GITHUB_TOKEN: canary };
    const choice = [project, '--image', 'bootstrap:debian:12'];
    const dry = await ok(['clone', ...choice, '--dry-run', '--json'], { env: secrets });
    plan = dry.json<{ plan: Plan }>().plan;
    const people = await ok(['clone', ...choice, '--dry-run'], { env: secrets });
    const made = await ok(['clone', ...choice, '--run', '--json', '--verbose'], {
      env: secrets,
      timeout: 1_100_000,
    });
    told = [dry, people, made].map(({ stdout, stderr }) => stdout + stderr).join('\n');
  });

  it('is planned right, each thing with the file that says so', () => {
    expect(plan.needs).toMatchObject([
      { name: 'node', package: 'nodejs', finding: { source: 'package.json' } },
      { name: 'postgresql', package: 'postgresql', finding: { source: 'compose.yaml' } },
      { name: 'redis', package: 'redis-server', finding: { source: 'compose.yaml' } },
    ]);
    expect(plan.services.map(({ name }) => name)).toEqual(['postgresql', 'redis-server']);
    expect(plan.run).toMatchObject([{ name: 'web', command: ['node', 'server.js'], port: 3000 }]);
    expect(plan.postCommands).toMatchObject([{ command: 'npm ci' }]);
  });

  it('names the places of credentials that no guest is given', () => {
    const named = plan.withheld.map((one) => one.path);
    expect(named).toEqual(
      expect.arrayContaining([`${user}/.ssh`, `${user}/.aws`, `${user}/.netrc`, `${user}/.pgpass`]),
    );
  });

  it('is installed from what it brings along, with no registry', async () => {
    const script = 'rm -rf node_modules; npm_config_cache=/tmp/empty npm ci --offline --no-audit';
    const { exitCode, stdout, stderr } = await exec('sh', '-c', script);
    expect(stdout, stderr).toMatch(/added 24 packages/);
    expect(exitCode).toBe(0);
  });

  it('passes its own tests in the guest, with its database and its cache', async () => {
    const { exitCode, stdout } = await exec('npm', 'test');
    expect(stdout).toMatch(/^# pass 1$/m);
    expect(exitCode).toBe(0);
  });

  it('keeps orders that come in by its port', async () => {
    const { ports } = (await ok(['status', project, '--json'], { env })).json<{
      ports: { name: string; host: number }[];
    }>();
    const url = `http://127.0.0.1:${ports.find(({ name }) => name === 'web')?.host}`;
    await fetch(url, { method: 'POST' });
    expect(await (await fetch(url)).json()).toMatchObject({ last: 'tea' });
  });

  it('has the tools that were asked for, as diff sees them in the guest', async () => {
    const { exitCode, stdout, stderr } = await cli(['diff', project, '--json'], { env });
    // The packages of this workstation may well be others.
    expect([0, 9], stderr).toContain(exitCode);
    const { drift } = JSON.parse(stdout) as { drift: { area: string; guest: string | null }[] };
    expect(drift.filter(({ guest }) => guest === 'not installed')).toEqual([]);
    expect(drift.filter(({ area }) => area === 'config' || area === 'services')).toEqual([]);
  });

  it('is what detect says of the guest, when it looks there', async () => {
    // A Node of this side: the guest's own is too old.
    const tools = path.join(project, '.tools');
    cpSync(path.join(root, 'dist'), path.join(tools, 'dist'), { recursive: true });
    cpSync(process.execPath, path.join(tools, 'node'));
    chmodSync(path.join(tools, 'node'), 0o755);
    const command = ['.tools/node', '.tools/dist/main.js', 'detect', '--json', '--deadline', '60s'];
    const report = await ok(['exec', project, '--as', 'root', '--', ...command], { env });
    const { found, problems } = report.json<DetectReport>();
    expect(problems.filter(({ area }) => area !== 'containers')).toEqual([]);

    const services = new Map((found.services ?? []).map((one) => [one.unit, one]));
    const running = { running: true, finding: { source: expect.stringMatching(/systemctl/) } };
    expect(services.get('redis-server.service')).toMatchObject({
      ...{ ...running, enabled: true, package: 'redis-server', ports: [6379] },
    });
    expect(services.get('postgresql@15-main.service')).toMatchObject({
      ...{ ...running, package: expect.stringMatching(/^postgresql/), ports: [5432] },
    });
    expect(services.get('clonebox-run-web.service')).toMatchObject({
      ...{ ...running, enabled: true, package: null, ports: [3000] },
    });
    const packages = (found.packages ?? []).map(({ name }) => name);
    expect(packages).toEqual(expect.arrayContaining(['nodejs', 'postgresql', 'redis-server']));
    const node = (found.languages ?? []).find(({ name, current }) => name === 'node' && current);
    expect(node).toMatchObject({ version: expect.stringMatching(/^18\./), manager: 'apt' });
    const ports = new Map((found.ports ?? []).map((one) => [one.port, one.process]));
    expect(ports.get(3000)).toBe('node');
    // In Debian redis-server is a link to this program, which does the work of both.
    expect(ports.get(6379)).toBe('redis-check-rdb');
    const [here] = found.projects ?? [];
    expect(here).toMatchObject({ name: 'shop', ecosystems: ['Node.js'] });
    const facts = new Map((found.hardware ?? []).map(({ name, value }) => [name, value]));
    expect(facts.get('distribution')).toMatch(/bookworm/);
  });

  it('has no secret of the workstation in its plan, its files or its logs', () => {
    expect(told).not.toContain(canary);
    const kept = [...filesBelow(home), path.join(project, '.clonebox.yaml')];
    expect(kept.filter((file) => holds(file, canary))).toEqual([]);
    expect(kept.some((file) => file.endsWith('disk.qcow2'))).toBe(true);
  });

  it('has none in its guest, in no process and no variable', async () => {
    const look = `grep -als ${canary} /proc/[0-9]*/environ /run /etc /root /home /tmp -r; true`;
    // Its own command line has the word.
    const { stdout } = await exec('sh', '-c', look);
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual([]);
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(directory, name))
    .filter((file) => statSync(file).isFile());
}

function holds(file: string, text: string): boolean {
  if (statSync(file).size < 2 ** 20) return readFileSync(file, 'latin1').includes(text);
  try {
    execFileSync('grep', ['-aqF', text, file]);
    return true;
  } catch {
    return false;
  }
}
