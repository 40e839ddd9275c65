// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.
import { describe, expect, it } from 'vitest';
import { CloneboxError } from '../core/errors.ts';
import { parseConfig } from './parse-config.ts';

const file = '.clonebox.yaml';

/** The lines of the error that a text gives; empty when it is valid. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, file);
    return [];
  } catch (error) {
    if (!(error instanceof CloneboxError)) throw error;
    expect(error.code).toBe('config-invalid');
    return error.message.split('\n');
  }
}

/** As `problemsOf`, for the lines after `version: '2'`, without the name of the file. */
function problemsIn(...lines: string[]): string[] {
  return problemsOf(["version: '2'", ...lines].join('\n')).map((line) =>
    line.replace(`${file}:`, ''),
  );
}

const complete = `version: '2'
profiles: [node]
remove: { packages: [npm], ports: ['1:8080', 5432] }
vm:
  name: my-app
  driver: qemu
  image: debian:12
  cpus: 2
  memory: 2G
  disk: 20G
  accel: auto
  gui: false
  user: { name: me, uid: 1000, gid: 1000, shell: /bin/bash }
  auth: { method: ssh_key, ssh_public_key: null, ssh_keys: [] }
  share_driver: auto
  memory_mode: auto
network: { mode: user, egress: allowlist, allow: [Example.ORG, '*.example.net:8443', 192.0.2.7], host_ports: [5432] }
shares:
  - { host: ., guest: same, mode: rw }
paths: { ~/data: /data/ }
packages: [nodejs, 'postgresql=15+248']
snap_packages: [hello]
services: [postgresql, 'getty@tty1.service']
run:
  web: { command: [node, server.js, 1.10], cwd: ., env: { PORT: 8080 }, port: 8080, restart: no }
provision:
  - { run: 'corepack enable', as: user }
  - { file: /etc/motd, content: hello, mode: 0644 }
post_commands: ['echo $HOME']
ports: ['8080:80', 5432, '$\{PORT}:81']
environment: { NODE_ENV: development, VERSION: 1.10, ZIP: 01234, YES: true }
secrets:
  provider: auto
  items:
    A: {}
    B: { key: b, provider: env, path: /run/keys/b, mode: 0440, owner: root, service: web }
health_checks: []
limits: {}
snapshots: {}
templates: { warm: true, resident: [nginx], pool: 2 }
`;

describe('parseConfig', () => {
  it('reads every key of version 2, and keeps unquoted text as it was written', () => {
    const { origin, ...config } = parseConfig(complete, file);
    expect(config).toEqual({
      version: '2',
      profiles: ['node'],
      remove: { packages: ['npm'], ports: ['8080', '5432'] },
      vm: {
        name: 'my-app',
        driver: 'qemu',
        image: 'debian:12',
        cpus: 2,
        memory: 2 * 1024 ** 3,
        disk: 20 * 1024 ** 3,
        accel: 'auto',
        user: { name: 'me', uid: 1000, gid: 1000, shell: '/bin/bash' },
        auth: { method: 'ssh_key', ssh_public_key: null, ssh_keys: [] },
        share_driver: 'auto',
        memory_mode: 'auto',
      },
      network: {
        mode: 'user',
        egress: 'allowlist',
        allow: ['example.org', '*.example.net:8443', '192.0.2.7'],
        host_ports: [5432],
      },
      shares: [{ host: '.', guest: 'same', mode: 'rw' }],
      paths: { '~/data': '/data' },
      packages: ['nodejs', 'postgresql=15+248'],
      snap_packages: ['hello'],
      services: ['postgresql', 'getty@tty1.service'],
      run: {
        web: {
          command: ['node', 'server.js', '1.10'],
          cwd: '.',
          env: { PORT: '8080' },
          port: 8080,
          restart: 'no',
        },
      },
      provision: [
        { kind: 'run', run: 'corepack enable', as: 'user' },
        { kind: 'file', path: '/etc/motd', content: 'hello', mode: 0o644 },
      ],
      post_commands: ['echo $HOME'],
      ports: ['8080:80', '5432', '${PORT}:81'],
      environment: { NODE_ENV: 'development', VERSION: '1.10', ZIP: '01234', YES: 'true' },
      secrets: {
        provider: 'auto',
        items: {
          A: {},
          B: {
            ...{ key: 'b', provider: 'env', path: '/run/keys/b', mode: '0440' },
            ...{ owner: 'root', service: 'web' },
          },
        },
      },
      templates: { warm: true, resident: ['nginx'], pool: 2 },
    });
    expect(origin?.file).toBe(file);
    expect(origin?.at(['vm', 'memory'])).toMatchObject({ file, line: 9, column: 11 });
  });

  it('tells of 500 problems, each in its place', () => {
    const lines = Array.from({ length: 500 }, (_, index) => `key${index}: 1`);
    const run = () => parseConfig(["version: '2'", ...lines].join('\n'), file);
    const last = expect.objectContaining({ line: 501, column: 1, path: 'key499' });
    expect(run).toThrow(
      expect.objectContaining({
        facts: expect.objectContaining({ count: 500, problems: expect.arrayContaining([last]) }),
      }),
    );
  });

  it('needs nothing but the version', () => {
    expect(parseConfig('version: 2', file).version).toBe('2');
  });

  it('rounds sizes to whole MiB, and follows aliases', () => {
    const text = "version: '2'\nvm: { memory: &size 1.1G, disk: *size }";
    const { vm } = parseConfig(text, file);
    expect(vm?.memory).toBe(1126 * 1024 ** 2);
    expect(vm?.disk).toBe(vm?.memory);
  });

  it('tells all problems at once, in the order of the file, as text and as facts', () => {
    const text = "pacakges: [nodejs]\nversion: '2'\nvm:\n  cpus: 0\nports: [x]\n";
    const run = () => parseConfig(text, file);
    expect(problemsOf(text)).toEqual([
      '.clonebox.yaml:1:1 pacakges is not a known key (did you mean `packages`?)',
      '.clonebox.yaml:4:9 vm.cpus must be between 1 and 256',
      '.clonebox.yaml:5:9 ports[0] "x" is not HOST:GUEST or GUEST, for example 8080:80',
    ]);
    expect(run).toThrow(
      expect.objectContaining({
        facts: {
          count: 3,
          problems: [
            {
              ...{ file, line: 1, column: 1, path: 'pacakges' },
              ...{ message: 'is not a known key', hint: 'did you mean `packages`?' },
            },
            expect.objectContaining({ path: 'vm.cpus' }),
            expect.objectContaining({ path: 'ports[0]' }),
          ],
        },
      }),
    );
  });

  it.each([
    ['vm: { ram_mb: 1 }', '2:7 vm.ram_mb is not a known key (did you mean `memory`?)'],
    ['vm: { vcpus: 1 }', '2:7 vm.vcpus is not a known key (did you mean `cpus`?)'],
    ['memory: 1G', '2:1 memory is not a known key (did you mean `vm.memory`?)'],
    ['kubernetes: 1', '2:1 kubernetes is not a known key'],
    ['constructor: 1', '2:1 constructor is not a known key'],
    ['__proto__: {}', '2:1 has a key "__proto__"'],
    ['<<: {}', '2:1 "<<" is not a known key (merge keys are not read)'],
    ['vm: { memory: 2048 }', '2:15 vm.memory needs a unit: write for example 2048M or 2048G'],
    ['vm: { memory: 2X }', '2:15 vm.memory has an unknown unit: K, M, G, T and P are known'],
    ['vm: { memory: 64M }', '2:15 vm.memory must be between 128M and 16T'],
    ['vm: { disk: 512M }', '2:13 vm.disk must be between 1G and 64T'],
    ['vm: { cpus: 1.5 }', '2:13 vm.cpus must be a whole number, not 1.5'],
    ["vm: { cpus: '2' }", '2:13 vm.cpus must be a whole number, not the text "2"'],
    ['vm: { cpus: 257 }', '2:13 vm.cpus must be between 1 and 256'],
    [
      'vm: { name: My App }',
      `2:13 vm.name "My App" is not a name: 1 to 63 of a-z, 0-9 and '-' (did you mean \`my-app\`?)`,
    ],
    [
      'vm: { accel: kmv }',
      '2:14 vm.accel must be auto, kvm or tcg, not "kmv" (did you mean `kvm`?)',
    ],
    [
      'vm: { image: https://x/y.qcow2 }',
      '2:14 vm.image is a URL without the digest of its file: append #sha256:HEX',
    ],
    [
      'vm: { image: "a b" }',
      '2:14 vm.image "a b" is not an image: write for example auto, debian:12 or a path',
    ],
    ['vm: { user: { name: "a:b" } }', '2:21 vm.user.name "a:b" is not the name of a user'],
    ['vm: { user: { name: root, uid: 5 } }', '2:32 vm.user.uid must be 0 for root'],
    ['vm: { user: { name: me, uid: 0 } }', '2:30 vm.user.uid must not be 0: that is root'],
    ['vm: { user: { uid: -1 } }', '2:20 vm.user.uid must be between 0 and 4294967294'],
    ['vm: { user: { shell: bash } }', '2:22 vm.user.shell "bash" is not an absolute path'],
    [
      'vm: { auth: { ssh_keys: [x] } }',
      '2:26 vm.auth.ssh_keys[0] is not a public key: the line of a .pub file, the path of one, github:USER or agent',
    ],
    ['vm: { auth: { ssh_keys: [github:a/b] } }', '2:26 vm.auth.ssh_keys[0] is not github:USER'],
    [
      'vm: { auth: { ssh_public_key: "-----BEGIN OPENSSH PRIVATE KEY-----" } }',
      '2:31 vm.auth.ssh_public_key is a private key, and CloneBox takes none',
    ],
    ['vm: { auth: { method: password } }', '2:23 vm.auth.method needs vm.auth.password'],
    [
      'vm: { auth: { password: hunter2 } }',
      '2:25 vm.auth.password is text: name a secret instead, { key: NAME }',
    ],
    [
      'vm: { auth: { password: { key: X } } }',
      '2:25 vm.auth.password is for vm.auth.method: password alone',
    ],
    ['vm:', '2:4 vm must be a mapping, not empty (give it a value or take the key out)'],
    ['vm: []', '2:5 vm must be a mapping, not a list'],
    ['network: { mode: bridge }', '2:18 network.mode must be user, not "bridge"'],
    [
      'network: { allow: [a.example, A.example.] }',
      '2:31 network.allow[1] a.example stands here twice',
    ],
    ["network: { allow: ['*'] }", '2:20 network.allow[0] is every host: that is `egress: full`'],
    [
      'network: { host_ports: [1, 70000] }',
      '2:28 network.host_ports[1] "70000" is not a port: 1 to 65535',
    ],
    ['shares: [{ guest: /x }]', '2:10 shares[0].host is missing'],
    ['shares: [{ host: ., guest: x }]', '2:28 shares[0].guest "x" is not an absolute path'],
    ['shares: [{ host: ., guest: /x/../y }]', '2:28 shares[0].guest "/x/../y" must not contain ..'],
    [
      'shares: [{ host: ., guest: /etc/ }]',
      '2:28 shares[0].guest would hide "/etc" of the guest: choose another place in the guest',
    ],
    [
      'shares: [{ host: ., guest: /proc/x }]',
      '2:28 shares[0].guest would hide "/proc/x" of the guest: choose another place in the guest',
    ],
    [
      'shares: [{ host: a, guest: /x }, { host: b, guest: /x/ }]',
      '2:52 shares[1].guest is the place of another share already',
    ],
    ['paths: { a: b }', '2:13 paths.a "b" is not an absolute path'],
    ['packages: [-x]', '2:12 packages[0] "-x" is not a package: NAME or NAME=VERSION'],
    ['packages: [x-]', '2:12 packages[0] "x-" is not a package: NAME or NAME=VERSION'],
    [
      'packages: [nodejs=-o]',
      '2:12 packages[0] "nodejs=-o" is not a package: NAME or NAME=VERSION',
    ],
    ['packages: [vim, vim=1]', '2:17 packages[1] vim stands here twice'],
    ['services: [--now]', '2:12 services[0] "--now" is not a systemd unit'],
    ['snap_packages: [--classic]', '2:17 snap_packages[0] "--classic" is not the name of a snap'],
    ['run: { Web: { command: [a] } }', `2:8 run.Web "Web" is not a name: a-z, 0-9 and '-'`],
    ['run: { ssh: { command: [a] } }', '2:8 run.ssh ssh is the name of a port already'],
    ['run: { 80: { command: [a] } }', '2:8 run.80 80 is the name of a port already'],
    [
      'run: { web: { command: node x } }',
      '2:24 run.web.command must be a list, not the text "node x"',
    ],
    ['run: { web: { command: [] } }', '2:24 run.web.command is empty: name the program'],
    ['run: { web: {} }', '2:13 run.web.command is missing'],
    ['run: { web: { command: [a], cwd: ../x } }', '2:34 run.web.cwd "/../x" must not contain ..'],
    [
      'run: { a: { command: [a], port: 1 }, b: { command: [b], port: 1 } }',
      '2:63 run.b.port is 1, which a listens on already',
    ],
    [
      'provision: [{ run: a, file: /b }]',
      '2:13 provision[0] is one of two things: { run, as } or { file, content, mode }',
    ],
    ['provision: [{ file: /b }]', '2:13 provision[0] has a file without content'],
    [
      'provision: [{ file: /b, content: c, mode: 999 }]',
      '2:43 provision[0].mode is not a mode in octal, for example 0644',
    ],
    [
      'environment: { A: }',
      '2:19 environment.A must be text, not empty (give it a value or take the key out)',
    ],
    [
      'secrets: { items: { a-b: {} } }',
      '2:21 secrets.items.a-b "a-b" is not the name of a variable',
    ],
    [
      'secrets: { items: { A: { path: /etc/a } } }',
      '2:32 secrets.items.A.path must be below /run, which is in memory',
    ],
    [
      'secrets: { items: { A: { path: /run/clonebox/a } } }',
      '2:32 secrets.items.A.path is a place of the system: choose another one below /run',
    ],
    [
      'secrets: { items: { A: { path: /run/../etc/a } } }',
      '2:32 secrets.items.A.path "/run/../etc/a" must not contain ..',
    ],
    [
      'secrets: { items: { A: { mode: 999 } } }',
      '2:32 secrets.items.A.mode is not a mode in octal, for example 0644',
    ],
    ['environment: { 1A: x }', '2:16 environment.1A "1A" is not the name of a variable'],
    ['environment: { A: "${B" }', '2:19 environment.A has a $ with { and no }: write $$ for a $'],
    [
      'environment: { A: "${B:-c}" }',
      '2:19 environment.A has ${B:-c}: only ${NAME} is known, and $$ for a $',
    ],
  ])('says of %s: %s', (line, problem) => {
    expect(problemsIn(line)).toEqual([problem]);
  });

  it.each([
    ['version: 3', '1:10 version must be 2, not "3"'],
    ['vm: {}', "1:1 version is missing (begin the file with version: '2')"],
  ])('says of %j: %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([`${file}:${problem}`]);
  });

  it.each([
    ['health_checks: [{}]', '2:16 health_checks is not available yet'],
    ['limits: { memory_limit: 1G }', '2:9 limits is not available yet'],
    ['snapshots: { keep: 1 }', '2:12 snapshots is not available yet'],
    ['vm: { gui: true }', '2:12 vm.gui is not available yet'],
    ['vm: { driver: libvirt }', '2:15 vm.driver libvirt is not available yet'],
  ])('puts off %s', (line, problem) => {
    expect(problemsIn(line)).toEqual([problem]);
  });

  it('finds ports that stand twice, also beside a wrong one', () => {
    expect(problemsIn("ports: [80, '8080:80', x, '8080:81', '443:443']")).toEqual([
      '2:13 ports[1] guest port 80 stands here twice',
      '2:24 ports[2] "x" is not HOST:GUEST or GUEST, for example 8080:80',
      '2:27 ports[3] host port 8080 stands here twice',
    ]);
  });

  it('lets no control character of the file reach the terminal', () => {
    const nasty = '\u001b[2J\u009b\u202e';
    const lines = problemsIn(
      `"${nasty}": 1`,
      `vm: { name: "${nasty}", accel: "${nasty}", memory: "${nasty}" }`,
      `environment: { A: "$\{${nasty}}" }`,
    );
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
