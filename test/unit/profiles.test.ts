// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noChoices } from '../../src/config/needs/choices.ts';
import type { Overrides } from '../../src/config/plan-input.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { CloneboxError } from '../../src/core/errors.ts';
import { init } from '../../src/ops/init.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { listProfiles, showProfile } from '../../src/ops/profile.ts';
import { noTrust, requireTrust } from '../../src/ops/trust.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';

let bed: OperationBed;
let ctx: Ctx;
let project: string;

/** What comes after it is another command: one reads each file of a project once. */
const write = (file: string, text: string) => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  ctx = bed.context();
};
const config = (text: string) => write(`${project}/.clonebox.yaml`, `version: '2'\n${text}`);
const ofProject = (name: string, text: string) =>
  write(`${project}/.clonebox/profiles/${name}.yaml`, text);
const ofUser = (name: string, text: string) =>
  write(`${ctx.store.paths.profiles}/${name}.yaml`, text);
const target = () =>
  ({
    ...({ kind: 'project', existing: undefined } as const),
    ...{ directory: project, configFile: `${project}/.clonebox.yaml` },
  }) as const;
const load = (overrides: Overrides = {}) => loadPlan(ctx, target(), { overrides });
const packages = async () => (await load()).plan.packages.map(({ name }) => name);
/** The lines of the error, without the directory of the project. */
const problems = async (action: Promise<unknown> = load()) => {
  const error = await action.then(
    () => undefined,
    (thrown: CloneboxError) => thrown,
  );
  expect(error?.code).toBe('config-invalid');
  return (error?.message ?? '').replaceAll(`${project}/`, '').split('\n');
};

beforeEach(() => {
  bed = createOperationBed();
  ctx = bed.context();
  project = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbp-')));
});
afterEach(() => {
  bed.remove();
  rmSync(project, { recursive: true });
});

describe('profiles of a file', () => {
  it("are looked for in the project, then with the user, then in CloneBox's own", async () => {
    config('profiles: [node]\n');
    expect(await packages()).toContain('nodejs');
    ofUser('node', 'packages: [of-user]\n');
    expect(await packages()).toEqual(['of-user']);
    ofProject('node', 'packages: [of-project]\n');
    expect(await packages()).toEqual(['of-project']);
  });

  it('are merged in order, each with those it extends, and the file goes over them', async () => {
    ofProject('base', 'extends: [team]\npackages: [jq]\nvm: { memory: 3G, cpus: 1 }\n');
    ofUser('team', 'packages: [git]\nvm: { memory: 1G, disk: 30G }\nservices: [cron]\n');
    ofUser('last', 'vm: { cpus: 2 }\n');
    config('profiles: [base, last]\npackages: [hello]\nvm: { memory: 5G }\n');
    const { plan } = await load();
    expect(plan.packages.map(({ name }) => name)).toEqual(['git', 'jq', 'hello']);
    expect([plan.memory, plan.disk, plan.cpus].map((size) => size / 1024 ** 3)).toEqual([
      ...[5, 30, 2 / 1024 ** 3],
    ]);
    expect(plan.services).toEqual(['cron']);
    expect(plan.packages[0]?.finding).toMatchObject({ reason: 'listed in profile team' });
  });

  it('lose what the file removes from them', async () => {
    ofProject('base', 'packages: [jq, curl]\nservices: [cron]\nports: ["8080:80"]\n');
    config(
      'profiles: [base]\npackages: [hello]\nremove: { packages: [jq], services: [cron], ports: [80] }\n',
    );
    const { plan } = await load();
    expect(plan.packages.map(({ name }) => name)).toEqual(['curl', 'hello']);
    expect([plan.services, plan.ports]).toEqual([[], []]);
  });

  it('must have what the file removes', async () => {
    ofProject('base', 'packages: [nginx]\nremove: { packages: [not-there] }\n');
    config(
      'profiles: [base]\npackages: [hello]\nremove: { packages: [ngin, hello], run: [web] }\n',
    );
    expect(await problems()).toEqual([
      '.clonebox.yaml:4:22 remove.packages[0] is "ngin", which none of the profiles has (did you mean `nginx`?)',
      '.clonebox.yaml:4:28 remove.packages[1] is "hello", which none of the profiles has',
      '.clonebox.yaml:4:42 remove.run[0] is "web", which none of the profiles has',
    ]);
    config('remove: { packages: [x1] }\n');
    expect(await problems()).toEqual([
      '.clonebox.yaml:2:22 remove.packages[0] is "x1", which none of the profiles has',
    ]);
  });

  it('leave the project shared when they share more', async () => {
    mkdirSync(`${project}/data`);
    ofProject('base', 'shares: [{ host: data, guest: /data }]\n');
    config('profiles: [base]\n');
    const hosts = async () => (await load()).plan.shares.map(({ host }) => host);
    expect(await hosts()).toEqual([project, `${project}/data`]);
    config('profiles: [base]\nshares: []\n');
    expect(await hosts()).toEqual([`${project}/data`]);
    config('profiles: [base]\nremove: { shares: [.] }\n');
    expect(await hosts()).toEqual([`${project}/data`]);
  });

  it('tell every problem of every file that is wanted, and none of the others', async () => {
    ofProject('one', 'vm: { name: x }\npackage: [a1]\nextends: [two, nod]\n');
    ofProject('two', 'packages: [a1\n');
    ofProject('unused', 'nonsense: 1\n');
    config('profiles: [one, goo, node]\n');
    expect(await problems()).toEqual([
      '.clonebox.yaml:2:17 profiles[1] is "goo", and there is no such profile (did you mean `go`?)',
      '.clonebox/profiles/one.yaml:1:7 vm.name has no place in a profile (a name is for one VM: put it into .clonebox.yaml)',
      '.clonebox/profiles/one.yaml:2:1 package is not a known key (did you mean `packages`?)',
    ]);
    ofProject('one', 'extends: [two, nod]\n');
    expect(await problems()).toEqual([
      '.clonebox.yaml:2:17 profiles[1] is "goo", and there is no such profile (did you mean `go`?)',
      '.clonebox/profiles/one.yaml:1:16 extends[1] is "nod", and there is no such profile (did you mean `node`?)',
      expect.stringMatching(/^\.clonebox\/profiles\/two\.yaml:\d:\d+ is not valid YAML/),
    ]);
  });

  it('may not go in a circle, on and on, or in great numbers', async () => {
    ofProject('one', 'extends: [two]\n');
    ofProject('two', 'extends: [one]\n');
    config('profiles: [one]\n');
    expect(await problems()).toEqual([
      '.clonebox/profiles/two.yaml:1:11 extends[0] goes in a circle: one -> two -> one',
    ]);
    const names = (of: string) => Array.from({ length: 50 }, (_, index) => `${of}${index}`);
    for (const name of [...names('a'), ...names('b'), 'c']) ofProject(name, 'packages: [x1]\n');
    ofProject('a0', `extends: [${names('b').join(', ')}]\n`);
    ofProject('b0', 'extends: [c]\n');
    config(`profiles: [${names('a').join(', ')}]\n`);
    expect(await problems()).toEqual([
      '.clonebox/profiles/b0.yaml:1:11 extends[0] leads to more than 100 profiles',
    ]);
  });

  it('are told apart from the file where they do not go together', async () => {
    ofProject('base', 'run: { web: { command: [a], port: 80 } }\nvm: { user: { name: root } }\n');
    ofUser('more', 'environment: { A: "${NOT_SET}" }\nnetwork: { host_ports: [9000] }\n');
    config(
      'profiles: [base, more]\nrun: { api: { command: [b], port: 80 } }\nvm: { user: { uid: 7 } }\n',
    );
    expect(await problems()).toEqual([
      '.clonebox.yaml:3:35 run.api.port is 80, which web listens on already',
      '.clonebox.yaml:4:20 vm.user.uid must be 0 for root',
    ]);
    config('profiles: [base, more]\nports: [9000]\n');
    const file = `${ctx.store.paths.profiles}/more.yaml`;
    expect(await problems()).toEqual([
      `${file}:1:19 environment.A refers to \${NOT_SET}, which is not set`,
      `${file}:2:25 network.host_ports[0] is 9000, on which the guest itself listens`,
    ]);
  });

  it.each([
    [
      'a link out of the project',
      () => symlinkSync('/etc/hostname', place()),
      /leads out of the project/,
    ],
    ['a link to nowhere', () => symlinkSync('nothing', place()), /leads nowhere/],
    ['a directory', () => mkdirSync(place()), /is not a file/],
    ['a giant', () => writeFileSync(place(), '#'.repeat(1024 ** 2 + 1)), /longer than 1 MiB/],
    ['no text', () => writeFileSync(place(), 'a: \0'), /zero byte/],
  ])('are not read from %s', async (_, make, message) => {
    mkdirSync(path.dirname(place()), { recursive: true });
    make();
    config('profiles: [odd]\n');
    expect(await problems()).toEqual([expect.stringMatching(message)]);
  });
});

const place = () => `${project}/.clonebox/profiles/odd.yaml`;

describe('what a profile reaches outside the project', () => {
  it('is confirmed as if the file said it, and again when the profile changes', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'cbo-'));
    const said = `shares: [{ host: ${outside}, guest: /out }]\nnetwork: { host_ports: [5432] }\nenvironment: { H: "\${SSH_CONNECTION}" }\n`;
    try {
      config(said);
      const { reach } = await load();
      ofProject('base', said);
      config('profiles: [base]\nshares: []\n');
      const loaded = await load();
      expect(loaded.reach).toEqual(reach);
      expect(reach.map(({ what }) => what)).toEqual(['share', 'host port', 'host variable']);
      await expect(requireTrust(ctx, loaded, noTrust)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining(outside),
      });
      await requireTrust(ctx, loaded, { given: true, ask: undefined });
      await requireTrust(ctx, await load(), noTrust);
      ofProject('base', `${said}vm: { image: /tmp/evil.qcow2 }\n`);
      await expect(requireTrust(ctx, await load(), noTrust)).rejects.toThrow(/evil\.qcow2/);
      config('profiles: [base]\nshares: []\nvm: { image: auto }\nremove: { host_ports: [5432] }\n');
      expect((await load()).reach.map(({ what }) => what)).toEqual(['share', 'host variable']);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });
});

describe('--profile', () => {
  it('is written into the first draft, and is in force at once', async () => {
    ofProject('base', 'vm: { cpus: 3 }\n');
    const overrides = { profiles: ['base', 'redis-7'] };
    expect((await load(overrides)).plan).toMatchObject({ cpus: 3, services: ['redis-server'] });
    const { file } = await init(ctx, { target: project, cwd: '/', overrides, choices: noChoices });
    expect(await ctx.host.files.readText(file)).toContain('\nprofiles: [base, redis-7]\n');
    expect((await load()).plan.cpus).toBe(3);
    // The same line again says nothing new.
    expect((await load(overrides)).plan.cpus).toBe(3);
  });

  it('is a usage error for a file that is there without it, and for a name that is none', async () => {
    await expect(load({ profiles: ['nod'] })).rejects.toMatchObject({
      ...{ code: 'usage', message: 'there is no profile "nod"', hint: 'did you mean `node`?' },
    });
    config('profiles: [go]\n');
    await expect(load({ profiles: ['node'] })).rejects.toMatchObject({
      ...{ code: 'usage', hint: 'Put it into the file: profiles: [go, node]' },
    });
  });
});

describe('profile list', () => {
  it('names each once, with where it is from and what it goes before', async () => {
    ofProject('node', 'description: ours\nextends: [team]\n');
    ofUser('node', 'description: mine\n');
    ofUser('team', 'nonsense: 1\n');
    ofUser('Not A Name', '');
    const { profiles } = await listProfiles(ctx, { target: project, cwd: '/' });
    expect(profiles.map(({ name }) => name)).toEqual(
      'docker go ml-dev node postgres-15 python redis-7 rust team web-stack'.split(' '),
    );
    expect(profiles.find(({ name }) => name === 'node')).toEqual({
      ...{ name: 'node', from: 'project', description: 'ours', extends: ['team'], problems: 0 },
      ...{ file: `${project}/.clonebox/profiles/node.yaml`, hides: ['user', 'bundled'] },
    });
    expect(profiles.find(({ name }) => name === 'team')).toMatchObject({
      ...{ from: 'user', description: null, problems: 1 },
    });
    expect(profiles.find(({ name }) => name === 'go')).toMatchObject({
      ...{ from: 'bundled', file: null, hides: [] },
    });
  });
});

describe('profile show', () => {
  const show = (name: string) => showProfile(ctx, { target: project, cwd: '/', name });

  it('says what it and those it extends say together, and where each value is from', async () => {
    ofProject('base', 'extends: [redis-7]\nvm: { memory: 1G }\nremove: { packages: [npm] }\n');
    expect(await show('base')).toMatchObject({
      ...{ name: 'base', from: 'project', extends: ['redis-7'], description: null },
      merged: {
        ...{ vm: { memory: '1G' }, packages: ['redis-server'], services: ['redis-server'] },
        remove: { packages: ['npm'] },
      },
      values: expect.arrayContaining([
        {
          ...{ key: 'packages[0]', value: 'redis-server' },
          origin: expect.objectContaining({ kind: 'profile', profile: 'redis-7', from: 'bundled' }),
        },
        {
          ...{ key: 'vm.memory', value: '1G' },
          origin: {
            ...{ kind: 'profile', profile: 'base', from: 'project', line: 2, column: 15 },
            file: `${project}/.clonebox/profiles/base.yaml`,
          },
        },
      ]),
    });
  });

  it('fails for one that is not there, and for one that is wrong', async () => {
    await expect(show('nod')).rejects.toMatchObject({
      code: 'not-found',
      hint: 'did you mean `node`?',
    });
    await expect(show('../node')).rejects.toMatchObject({ code: 'not-found' });
    ofProject('base', 'extends: [missing]\n');
    expect(await problems(show('base'))).toEqual([
      expect.stringMatching(/base\.yaml:1:11 extends\[0\] is "missing"/),
    ]);
    ofProject('base', 'nonsense: 1\n');
    await expect(show('base')).rejects.toMatchObject({
      ...{ code: 'config-invalid', hint: 'Mend it, and check it with: clonebox profile show base' },
    });
  });
});
