// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { colorsFor } from '../../src/cli/colors.ts';
import { renderProfile } from '../../src/cli/render/profile.ts';
import { renderValues } from '../../src/cli/render/values.ts';
import type { Overrides } from '../../src/config/plan-input.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import { resolveConfig, showConfig } from '../../src/ops/config.ts';
import { showProfile } from '../../src/ops/profile.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';

let bed: OperationBed;
let ctx: Ctx;
let project: string;
let file: string;

const resolve = (overrides: Overrides = {}) =>
  resolveConfig(ctx, { target: project, cwd: '/', overrides });
/** Values and origins by their keys. */
const byKey = async (overrides?: Overrides) => {
  const { values } = await resolve(overrides);
  return Object.fromEntries(values.map(({ key, value, origin }) => [key, { value, origin }]));
};
const at = (line: number, column: number) => ({ kind: 'file', file, line, column });
const byDefault = (value: unknown) => ({ value, origin: { kind: 'default' } });

const context = () => {
  const user = { name: 'me', uid: 1000, gid: 1000, home: '/home/me', shell: '/bin/zsh' };
  return bed.context({ host: { user, cpuCount: 2, env: { ...bed.host.env, WHO: 'me' } } });
};

beforeEach(() => {
  bed = createOperationBed();
  ctx = context();
  project = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbp-')));
  file = `${project}/.clonebox.yaml`;
  mkdirSync(`${project}/.clonebox/profiles`, { recursive: true });
  mkdirSync(`${project}/data`);
});
afterEach(() => {
  bed.remove();
  rmSync(project, { recursive: true });
});

const profile = `extends: [redis-7]
vm: { memory: 3G }
packages: [jq=1.6]
run: { web: { command: [node, x.js], port: 8080, env: { A: 1 } } }
shares: [{ host: data, guest: PROJECT/inner }]
`;
const text = `version: '2'
profiles: [base]
remove: { services: [redis-server] }
vm:
  disk: 30G
  user: { uid: 1001 }
  auth: { ssh_keys: [ssh-ed25519 ${'A'.repeat(44)} me@x] }
packages:
  - jq
  - hello
run: { web: { command: [node, y.js], cwd: sub } }
ports: ['7000:70']
environment: { WHO: '\${WHO}' }
provision: [{ file: /etc/motd, content: "a\\nb" }]
`;

describe('config show --resolved', () => {
  it('gives each value the line that says it', async () => {
    writeFileSync(`${project}/.clonebox/profiles/base.yaml`, profile.replace('PROJECT', project));
    writeFileSync(file, text);
    const values = await byKey({ cpus: 3, driver: 'qemu' });
    const base = (line: number, column: number) => ({
      ...{ kind: 'profile', profile: 'base', from: 'project', line, column },
      file: `${project}/.clonebox/profiles/base.yaml`,
    });
    const bundled = expect.objectContaining({
      ...{ kind: 'profile', profile: 'redis-7', from: 'bundled', file: 'bundled:redis-7.yaml' },
    });
    expect(values).toMatchObject({
      'vm.name': { origin: { kind: 'default' } },
      'vm.driver': { value: 'qemu', origin: { kind: 'command-line' } },
      'vm.cpus': { value: 3, origin: { kind: 'command-line' } },
      'vm.memory': { value: '3G', origin: base(2, 15) },
      'vm.disk': { value: '30G', origin: at(5, 9) },
      'vm.image': byDefault('auto'),
      'vm.user.name': { value: 'me', origin: { kind: 'workstation' } },
      'vm.user.uid': { value: 1001, origin: at(6, 16) },
      'vm.user.shell': { value: '/bin/zsh', origin: { kind: 'workstation' } },
      'vm.auth.ssh_keys[0]': { origin: at(7, 22) },
      'network.egress': byDefault('full'),
      'network.allow': byDefault([]),
      'network.host_ports': byDefault([]),
      // A mount around another goes before it, whatever the order of the lists.
      'shares[0].host': byDefault(project),
      'shares[1].host': { value: `${project}/data`, origin: base(5, 18) },
      'shares[1].guest': { value: `${project}/inner`, origin: base(5, 31) },
      'shares[1].mode': byDefault('rw'),
      'packages[0]': { value: 'redis-server', origin: bundled },
      'packages[1]': { value: 'jq=1.6', origin: base(3, 12) },
      'packages[2]': { value: 'hello', origin: at(10, 5) },
      services: { value: [], origin: at(3, 21) },
      'run.web.command': { value: ['node', 'y.js'], origin: at(11, 24) },
      'run.web.cwd': { value: `${project}/sub`, origin: at(11, 43) },
      'run.web.env.A': { value: '1', origin: base(4, 60) },
      'run.web.restart': byDefault('on-failure'),
      'ports[0]': { value: '7000:70', origin: at(12, 9) },
      'ports[1]': { value: '8080', origin: base(4, 44) },
      'environment.WHO': { value: 'me', origin: at(13, 21) },
      'provision[0].file': { value: '/etc/motd', origin: at(14, 13) },
      'provision[0].mode': { value: '0644' },
      post_commands: byDefault([]),
    });
  });

  it('knows this workstation, and what is its own', async () => {
    writeFileSync(file, "version: '2'\n");
    const values = await byKey();
    expect(values['vm.cpus']).toEqual({ value: 2, origin: { kind: 'workstation' } });
    expect(values['vm.memory']).toEqual(byDefault('2G'));
    writeFileSync(file, "version: '2'\nvm: { user: { name: root } }\n");
    // Another command: one reads the file once.
    ctx = context();
    const root = await byKey();
    expect(root['vm.user.name']?.origin).toEqual(at(2, 21));
    expect(root['vm.user.uid']).toEqual(byDefault(0));
  });

  it('gives a file of version 1 its own keys', async () => {
    writeFileSync(file, "version: '1'\nvm:\n  ram_mb: 1024\npackages: [git]\n");
    const values = await byKey();
    expect(values['vm.memory']).toEqual({
      value: '1G',
      origin: { kind: 'version-1', file, line: 3, column: 11, key: 'vm.ram_mb' },
    });
    expect(values['packages[0]']?.origin).toEqual(at(4, 12));
  });

  it('says of a project without a file what would be written', async () => {
    writeFileSync(`${project}/package.json`, '{"scripts":{"start":"node x.js"}}');
    const values = await byKey({ memory: 1024 ** 3 });
    expect(values['packages[0]']).toMatchObject({
      value: 'nodejs',
      origin: { kind: 'draft', file },
    });
    expect(values['vm.memory']?.origin).toEqual({ kind: 'command-line' });
  });

  it('holds what plain config show says', async () => {
    writeFileSync(
      file,
      text.replace('profiles: [base]\nremove: { services: [redis-server] }\n', ''),
    );
    const plan = await showConfig(ctx, { target: project, cwd: '/' });
    const values = await byKey();
    expect(values['vm.cpus']?.value).toBe(plan.cpus);
    expect(values['vm.name']?.value).toBe(plan.name);
    expect(Object.keys(values).filter((key) => key.startsWith('packages['))).toHaveLength(
      plan.packages.length,
    );
  });

  it('wants a project: the record of a VM has no origins', async () => {
    await expect(
      resolveConfig(ctx, { target: 'shop', cwd: '/', overrides: {} }),
    ).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('for people', () => {
  const colors = colorsFor({ isTty: false, wanted: true, env: {} });

  it('it is a table that fits a terminal, and is whole for a program', async () => {
    writeFileSync(`${project}/.clonebox/profiles/base.yaml`, profile.replace('PROJECT', project));
    writeFileSync(file, text);
    const lines = await renderValues(await resolve(), { colors, columns: 80 });
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^vm\.disk +30G +\.clonebox\.yaml:5:9$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^packages\[0\] +redis-server +profile redis-7 \(bundled\)$/),
    );
    const whole = await renderValues(await resolve(), {
      colors,
      columns: Number.POSITIVE_INFINITY,
    });
    expect(whole).toContainEqual(expect.stringContaining(`${'A'.repeat(44)} me@x`));
  });

  it('a profile is YAML with comments, and nothing of it obeyed by a terminal', async () => {
    writeFileSync(
      `${project}/.clonebox/profiles/base.yaml`,
      `description: "a\\u001b[2J"\nextends: [redis-7]\nrun: { web: { command: [a, "b\\u001b[2J"] } }\nports: [80]\n`,
    );
    const shown = await showProfile(ctx, { target: project, cwd: '/', name: 'base' });
    const lines = renderProfile(shown);
    expect(lines).toEqual([
      `# profile base (${project}/.clonebox/profiles/base.yaml)`,
      '# a\\u001b[2J',
      '# extends redis-7',
      'packages:',
      '  - redis-server # profile redis-7 (bundled)',
      'services:',
      '  - redis-server # profile redis-7 (bundled)',
      'run:',
      '  web:',
      '    command: [ a, "b\\e[2J" ] # profile base (.clonebox/profiles/base.yaml:3:24)',
      'ports:',
      '  - "80" # profile base (.clonebox/profiles/base.yaml:4:9)',
    ]);
  });
});
