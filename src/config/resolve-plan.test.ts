// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.
import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import { parseConfig } from './parse-config.ts';
import type { PlanInput } from './plan-input.ts';
import { resolvePlan } from './resolve-plan.ts';

const GiB = 1024 ** 3;
const file = '.clonebox.yaml';
const me = { name: 'me', uid: 1000, gid: 100, shell: '/usr/bin/fish' };
const hostRoot = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/zsh' };

/** The plan of the lines after `version: '2'`. */
function planOf(lines: string, changed: Partial<PlanInput> = {}): VmPlan {
  return resolvePlan({
    config: parseConfig(`version: '2'\n${lines}`, file),
    configFile: '/home/me/app/.clonebox.yaml',
    project: '/home/me/app',
    overrides: {},
    hostUser: { ...me, home: '/home/me' },
    cpuCount: 8,
    env: { PORT: '8080', EMPTY: '' },
    defaultName: 'app' as VmName,
    home: '/home/me',
    ...changed,
  });
}

describe('resolvePlan', () => {
  it('leaves nothing open', () => {
    expect(planOf('')).toEqual({
      name: 'app',
      project: '/home/me/app',
      configFile: '/home/me/app/.clonebox.yaml',
      driver: 'qemu',
      image: 'auto',
      cpus: 4,
      memory: 2 * GiB,
      disk: 20 * GiB,
      accel: 'auto',
      shareDriver: 'auto',
      user: me,
      authorizedKeys: [],
      shares: [{ host: '/home/me/app', guest: '/home/me/app', mode: 'rw' }],
      packages: [],
      snapPackages: [],
      services: [],
      run: [],
      provision: [],
      postCommands: [],
      ports: [],
      hostPorts: [],
      environment: {},
      withheld: [],
    });
  });

  it('puts the command line over the file, and the file over defaults', () => {
    const lines = 'vm: { name: file, cpus: 2, memory: 1G, disk: 10G, image: debian:12 }';
    const overrides = {
      ...{ name: 'typed' as VmName, cpus: 3, memory: 4 * GiB, disk: 5 * GiB },
      ...{ image: 'debian:13', driver: 'other' },
    };
    const { name, cpus, memory, disk, image } = planOf(lines);
    expect({ name, cpus, memory, disk, image }).toEqual({
      ...{ name: 'file', cpus: 2, memory: GiB, disk: 10 * GiB, image: 'debian:12' },
    });
    expect(planOf(lines, { overrides })).toMatchObject(overrides);
  });

  it.each([
    [{ cpus: 0 }, 'cpus must be between 1 and 256'],
    [{ memory: 1 }, 'memory must be between 128M and 16T'],
    [{ disk: 1 }, 'disk must be between 1G and 64T'],
  ])('refuses %j from the command line', (overrides, message) => {
    const expected = expect.objectContaining({ code: 'usage', message });
    expect(() => planOf('', { overrides })).toThrow(expected);
  });

  it('takes no more processors than the host has', () => {
    expect(planOf('', { cpuCount: 2 }).cpus).toBe(2);
    expect(planOf('', { cpuCount: 0 }).cpus).toBe(1);
  });

  it.each([
    ['./disk.qcow2', '/home/me/app/disk.qcow2'],
    ['~/disk.qcow2', '/home/me/disk.qcow2'],
    ['/srv/disk.qcow2', '/srv/disk.qcow2'],
    ['ubuntu:24.04', 'ubuntu:24.04'],
    [`https://x/y#sha256:${'0'.repeat(64)}`, `https://x/y#sha256:${'0'.repeat(64)}`],
  ])('resolves the image %s', (written, image) => {
    expect(planOf(`vm: { image: '${written}' }`).image).toBe(image);
  });

  it('gives the source of packages, and splits off a pinned version', () => {
    const finding = {
      source: '/home/me/app/.clonebox.yaml',
      confidence: 'certain',
      reason: 'listed in packages',
    };
    expect(planOf('packages: [nodejs, postgresql=15+248]').packages).toEqual([
      { name: 'nodejs', version: undefined, finding },
      { name: 'postgresql', version: '15+248', finding },
    ]);
  });

  it('collects public keys, each once', () => {
    const key = (name: string) => `ssh-ed25519 ${'A'.repeat(68)} ${name}`;
    const auth = { ssh_public_key: key('a'), ssh_keys: [key('b'), key('a')] };
    const { authorizedKeys } = planOf(`vm: ${JSON.stringify({ auth })}`);
    expect(authorizedKeys).toEqual([key('a'), key('b')]);
  });
});

describe('the user of a plan', () => {
  it.each<[string, string, Partial<PlanInput>, object]>([
    ['is the host user', '', {}, me],
    [
      'is root for root',
      '',
      { hostUser: hostRoot },
      { name: 'root', uid: 0, gid: 0, shell: '/bin/zsh' },
    ],
    ['is who called sudo', '', { hostUser: hostRoot, sudoUser: me }, me],
    ['is not who called sudo for another user', '', { sudoUser: { ...me, name: 'x' } }, me],
    ['may be named', 'vm: { user: { name: dev } }', {}, { ...me, name: 'dev' }],
    [
      'has no ids of root under another name',
      'vm: { user: { name: dev } }',
      { hostUser: hostRoot },
      { name: 'dev', uid: 1000, gid: 1000, shell: '/bin/zsh' },
    ],
    [
      'may be root',
      'vm: { user: { name: root } }',
      {},
      { name: 'root', uid: 0, gid: 0, shell: '/usr/bin/fish' },
    ],
    [
      'is root by its id',
      'vm: { user: { uid: 0 } }',
      {},
      { name: 'root', uid: 0, gid: 0, shell: '/usr/bin/fish' },
    ],
    [
      'has a shell to log in with',
      '',
      { hostUser: { ...me, home: '/', shell: '/usr/sbin/nologin' } },
      { ...me, shell: '/bin/bash' },
    ],
    [
      'has a name that a guest knows',
      '',
      { hostUser: { ...me, home: '/', name: 'CORP\\Jo.Doe' } },
      { ...me, name: 'jo-doe' },
    ],
    [
      'cannot be taken for root',
      '',
      { hostUser: { ...me, home: '/', name: 'Root' } },
      { ...me, name: 'user' },
    ],
  ])('%s', (_claim, lines, changed, user) => {
    expect(planOf(lines, changed).user).toEqual(user);
  });
});

describe('the shares of a plan', () => {
  it('start at the project or at home, and are read-only outside the project', () => {
    const lines = `shares:
  - { host: ., guest: /app }
  - { host: sub/../lib, guest: /lib2 }
  - { host: ../other }
  - { host: ~/data/, guest: same, mode: rw }
paths: { '~': /host-home }`;
    expect(planOf(lines).shares).toEqual([
      { host: '/home/me/app', guest: '/app', mode: 'rw' },
      { host: '/home/me/app/lib', guest: '/lib2', mode: 'rw' },
      { host: '/home/me/other', guest: '/home/me/other', mode: 'ro' },
      { host: '/home/me/data', guest: '/home/me/data', mode: 'rw' },
      { host: '/home/me', guest: '/host-home', mode: 'ro' },
    ]);
  });

  it('keep the project beside the paths of version 1, unless shares say otherwise', () => {
    const guests = (lines: string) => planOf(lines).shares.map(({ guest }) => guest);
    expect(guests('paths: { /data: /data }')).toEqual(['/home/me/app', '/data']);
    expect(guests('shares: []\npaths: { /data: /data }')).toEqual(['/data']);
  });

  it('come in an order in which none hides another, the project first otherwise', () => {
    const lines = `shares:
  - { host: /data, guest: /data }
  - { host: /deep, guest: /home/me/app/deep }
  - { host: ., guest: same }
  - { host: /outer, guest: /home/me }`;
    expect(planOf(lines).shares.map(({ guest }) => guest)).toEqual([
      '/home/me',
      '/home/me/app',
      '/data',
      '/home/me/app/deep',
    ]);
  });

  it('are none without a project', () => {
    expect(planOf('', { project: undefined }).shares).toEqual([]);
  });

  it.each<[string, string, Partial<PlanInput>, string]>([
    [
      'a place of another',
      'shares: [{ host: . }, { host: /x, guest: /home/me/app }]',
      {},
      '2:42 shares[1].guest is "/home/me/app", the place of another share',
    ],
    [
      'the system at its own path',
      'shares: [{ host: /usr }]',
      {},
      '2:10 shares[0].guest would hide "/usr" of the guest: choose another place in the guest',
    ],
    [
      "another user's ~",
      'shares: [{ host: ~you/x }]',
      {},
      "2:18 shares[0].host starts with another user's ~: write the whole path",
    ],
    [
      'a relative path without a project',
      'paths: { x: /x }',
      { project: undefined },
      '2:13 paths.x is relative, and there is no project directory to start from',
    ],
  ])('refuse %s', (_name, lines, changed, message) => {
    expect(() => planOf(lines, changed)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: `${file}:${message}` }),
    );
  });
});

describe('the run units of a plan', () => {
  const cwds = (lines: string, changed?: Partial<PlanInput>) =>
    planOf(lines, changed).run.map(({ cwd }) => cwd);

  it('have defaults, and pass their words on as they are', () => {
    expect(planOf("run: { web: { command: [sh, -c, 'echo ${PORT} $$'] } }").run).toEqual([
      {
        name: 'web',
        command: ['sh', '-c', 'echo ${PORT} $$'],
        cwd: '/home/me/app',
        env: {},
        port: undefined,
        restart: 'on-failure',
      },
    ]);
  });

  it("start in the project's place in the guest", () => {
    const run =
      'run: { a: { command: [a] }, b: { command: [b], cwd: ./sub }, c: { command: [c], cwd: /x } }';
    expect(cwds(run)).toEqual(['/home/me/app', '/home/me/app/sub', '/x']);
    expect(cwds(`shares: [{ host: ., guest: /app }]\n${run}`)).toEqual(['/app', '/app/sub', '/x']);
    expect(cwds(`shares: [{ host: .., guest: /up }]\n${run}`)).toEqual([
      '/up/app',
      '/up/app/sub',
      '/x',
    ]);
  });

  it("start in the user's home when the project is not shared", () => {
    const run = 'shares: []\nrun: { a: { command: [a] } }';
    expect(cwds(run)).toEqual(['/home/me']);
    expect(cwds(run, { hostUser: hostRoot })).toEqual(['/root']);
  });
});

describe('the ports of a plan', () => {
  it('are named after run units, ssh, or themselves', () => {
    const lines = `ports: ['9090:8080', 5432, '2222:22', '$\{PORT}:81']
run: { web: { command: [a], port: 8080 }, api: { command: [b], port: 3000 }, job: { command: [c] } }`;
    expect(planOf(lines).ports).toEqual([
      { name: 'web', guest: 8080, host: 9090 },
      { name: '5432', guest: 5432, host: undefined },
      { name: 'ssh', guest: 22, host: 2222 },
      { name: '81', guest: 81, host: 8080 },
      { name: 'api', guest: 3000, host: undefined },
    ]);
  });

  it.each([
    ["ports: ['${NONE}:80']", '2:9 ports[0] refers to ${NONE}, which is not set'],
    [
      "ports: ['${EMPTY}:80']",
      '2:9 ports[0] ":80" is not HOST:GUEST or GUEST, for example 8080:80',
    ],
    ["ports: ['8080:80', '${PORT}:81']", '2:20 ports[1] host port 8080 stands here twice'],
  ])('say of %s: %s', (lines, message) => {
    expect(() => planOf(lines)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: `${file}:${message}` }),
    );
  });
});

describe('the environment of a plan', () => {
  it('has variables of the host only where they are named', () => {
    const lines = 'environment: { A: "x${PORT}y$${PORT}", B: "$PORT $$ $", C: "${EMPTY}" }';
    expect(planOf(lines).environment).toEqual({ A: 'x8080y${PORT}', B: '$PORT $ $', C: '' });
  });

  it('does not expand what it has expanded', () => {
    const env = { A: '${B}$$', B: 'b' };
    expect(planOf('environment: { X: "${A}" }', { env }).environment).toEqual({ X: '${B}$$' });
  });

  it('is refused with the names of all that is not set', () => {
    const lines = 'environment:\n  A: ${ONE}\n  B: ${toString}';
    expect(() => planOf(lines)).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: [
          `${file}:3:6 environment.A refers to \${ONE}, which is not set`,
          `${file}:4:6 environment.B refers to \${toString}, which is not set`,
        ].join('\n'),
      }),
    );
  });
});
