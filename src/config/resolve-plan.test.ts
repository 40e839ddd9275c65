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
      memoryMode: 'auto',
      templates: { warm: true, resident: [], pool: 0 },
      user: me,
      auth: { method: 'ssh_key', keys: [] },
      authorizedKeys: [],
      shares: [{ host: '/home/me/app', guest: '/home/me/app', mode: 'rw' }],
      packages: [],
      snapPackages: [],
      services: [],
      run: [],
      provision: [],
      postCommands: [],
      ports: [],
      egress: 'full',
      allow: [],
      hostPorts: [],
      environment: {},
      directory: '/home/me/app',
      secrets: [],
      secretOptions: {},
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

  it('takes keys from elsewhere as they are written, but for paths, which are absolute', () => {
    const line = `ssh-ed25519 ${'A'.repeat(68)} a`;
    const ssh_keys = [line, '~/.ssh/id.pub', './keys.pub', '/x/../k.pub', 'github:me', 'agent'];
    const { auth, authorizedKeys } = planOf(`vm: ${JSON.stringify({ auth: { ssh_keys } })}`);
    expect(auth).toEqual({
      method: 'ssh_key',
      keys: [
        ...[line, '/home/me/.ssh/id.pub', '/home/me/app/keys.pub', '/k.pub', 'github:me', 'agent'],
      ],
    });
    expect(authorizedKeys).toEqual([line]);
  });

  it('says where a key has a path that leads nowhere', () => {
    const wrong = 'vm: { auth: { ssh_keys: [agent, ~you/k.pub] } }';
    expect(() => planOf(wrong)).toThrow(/vm\.auth\.ssh_keys\[1\] starts with another user's ~/);
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

describe('the host ports of a plan', () => {
  it('must not be ports of the guest', () => {
    const lines = `network: { host_ports: [5432, 8080, 80, 22] }
ports: ['81:80']
run: { web: { command: [a], port: 8080 } }`;
    expect(() => planOf(lines)).toThrow(
      expect.objectContaining({
        message: [
          `${file}:2:31 network.host_ports[1] is 8080, on which the guest itself listens`,
          `${file}:2:37 network.host_ports[2] is 80, on which the guest itself listens`,
          `${file}:2:41 network.host_ports[3] is 22, on which the guest itself listens`,
        ].join('\n'),
      }),
    );
    expect(planOf('network: { host_ports: [5432] }').hostPorts).toEqual([5432]);
  });
});

describe('the environment of a plan', () => {
  it('has variables of the host only where they are named', () => {
    const lines = 'environment: { A: "x${PORT}y$${PORT}", B: "$PORT $$ $", C: "${EMPTY}" }';
    expect(planOf(lines).environment).toEqual({ A: 'x8080y${PORT}', B: '$PORT $ $', C: '' });
  });

  it('is, with ports, the only place where a name is expanded', () => {
    const lines = `run: { web: { command: [node, "\${PORT}"] } }
provision: [{ run: 'echo \${PORT}' }]
post_commands: ['echo \${PORT}']`;
    const { run, provision, postCommands } = planOf(lines);
    const written = JSON.stringify([run, provision, postCommands]);
    expect(written.split('${PORT}')).toHaveLength(4);
    expect(written).not.toContain('8080');
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

describe('the egress of a plan', () => {
  it('takes the hosts of an allow-list, and none where there is no list', () => {
    const listed = 'network: { egress: allowlist, allow: [a.example, "*.b.example:22"] }';
    expect(planOf(listed)).toMatchObject({
      egress: 'allowlist',
      allow: ['a.example', '*.b.example:22'],
    });
    // A profile may have the list, and the file closes it all.
    expect(planOf('network: { egress: none, allow: [a.example] }')).toMatchObject({
      egress: 'none',
      allow: [],
    });
  });

  it.each([
    ['{ allow: [a.example] }', 'network.allow has no effect without `egress: allowlist`'],
    ['{ egress: full, allow: [a.example] }', 'network.allow has no effect'],
    ['{ egress: allowlist }', 'network.egress wants hosts in network.allow'],
    [
      '{ egress: allowlist, allow: [a.example], host_ports: [3128] }',
      'network.egress needs port 3128 of the guest',
    ],
    [
      '{ egress: allowlist, allow: [a.example] }\nports: ["8080:3128"]',
      'network.egress needs port 3128 of the guest',
    ],
  ])('refuses network: %s', (network, why) => {
    expect(() => planOf(`network: ${network}`)).toThrow(why);
  });
});
