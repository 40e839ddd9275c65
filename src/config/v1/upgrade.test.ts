// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.
import { describe, expect, it } from 'vitest';
import { CloneboxError } from '../../core/errors.ts';
import { parseConfig } from '../parse-config.ts';

const file = '.clonebox.yaml';

/** What a text of version 1 means in version 2, and what was said about it. */
function read(text: string) {
  const { origin, ...config } = parseConfig(`version: '1'\n${text}`, file);
  const notes = (origin?.upgrade ?? []).map(({ kind, path }) => `${kind} ${path}`);
  return { config, notes, origin };
}

function problemsIn(text: string): string[] {
  try {
    parseConfig(`version: '1'\n${text}`, file);
    return [];
  } catch (error) {
    if (!(error instanceof CloneboxError)) throw error;
    expect(error.code).toBe('config-invalid');
    return error.message.split('\n').map((line) => line.replace(`${file}:`, ''));
  }
}

const everything = `generated: 2024-01-01T00:00:00
vm:
  name: my-vm
  ram_mb: 4096
  vcpus: 4
  disk_size_gb: 30
  gui: true
  base_image: base.qcow2
  network_mode: user
  username: ubuntu
  password: \${VM_PASSWORD}
  auth_method: ssh_key
  limits: { memory_limit: 1G }
paths: { /srv/code: /home/ubuntu/code }
copy_paths: { ~/.config/x: /home/ubuntu/.config/x }
packages: [git]
snap_packages: [hello]
services: [docker]
post_commands: ['echo \${HOME}']
web_services: [{ type: uvicorn, name: api, module: 'main:app', working_dir: /srv, port: 8001 }]
resources: { cpu: { shares: 5 } }
browser_profiles: [all]
shutdown_after_setup: true
detected: { running_apps: [{ name: x }] }
`;

describe('a file of version 1', () => {
  it('is read as version 2, every key of it', () => {
    const { config, notes } = read(everything);
    expect(config).toEqual({
      version: '2',
      vm: {
        ...{ name: 'my-vm', memory: 4 * 1024 ** 3, cpus: 4, disk: 30 * 1024 ** 3 },
        image: './base.qcow2',
        user: { name: 'ubuntu' },
        auth: { method: 'ssh_key' },
      },
      network: { mode: 'user' },
      paths: { '/srv/code': '/home/ubuntu/code' },
      shares: [
        { host: '.', guest: 'same' },
        { host: '~/.config/x', guest: '/home/ubuntu/.config/x', mode: 'copy' },
      ],
      packages: ['git'],
      snap_packages: ['hello'],
      services: ['docker'],
      post_commands: ['echo ${HOME}'],
      run: {
        api: {
          command: ['uvicorn', 'main:app', '--host', '0.0.0.0', '--port', '8001'],
          cwd: '/srv',
          port: 8001,
        },
      },
    });
    expect(notes).toEqual([
      'lost generated',
      'carried vm.ram_mb',
      'carried vm.vcpus',
      'carried vm.disk_size_gb',
      'lost vm.gui',
      'carried vm.base_image',
      'carried vm.network_mode',
      'carried vm.username',
      'lost vm.password',
      'carried vm.auth_method',
      'lost vm.limits',
      'changed paths',
      'carried copy_paths',
      'changed post_commands',
      'changed post_commands[0]',
      'changed web_services',
      'lost resources',
      'lost browser_profiles',
      'lost shutdown_after_setup',
      'lost detected',
    ]);
  });

  it('may have the keys of the machine at its top', () => {
    const flat = 'ram_mb: 1024\nname: x\nusername: me\npassword: p\nauth_method: password\n';
    const { config, notes } = read(flat);
    expect(config).toEqual({
      version: '2',
      vm: { memory: 1024 ** 3, name: 'x', user: { name: 'me' } },
    });
    expect(notes).toEqual([
      'carried ram_mb',
      'carried username',
      'lost password',
      'lost auth_method',
    ]);
    expect(read('ram_mb: 1024\nvm: { ram_mb: 2048 }').notes).toEqual([
      'lost ram_mb',
      'carried vm.ram_mb',
    ]);
  });

  it('may be the one of the brief', () => {
    const { config, notes } = read('vm:\n  name: my-vm\n  password: ${VM_PASSWORD}\n');
    expect(config).toEqual({ version: '2', vm: { name: 'my-vm' } });
    expect(notes).toEqual(['lost vm.password']);
  });

  it.each([
    ['app_data_paths: { ~/x: /x }', { host: '~/x', guest: '/x', mode: 'copy' }],
    ['copy_paths: {}\napp_data_paths: { ~/x: /x }', { host: '~/x', guest: '/x', mode: 'copy' }],
  ])('reads %j as what is copied', (text, share) => {
    expect(read(text).config.shares).toEqual([{ host: '.', guest: 'same' }, share]);
  });

  it('says which of two keys of the same meaning goes first', () => {
    const { config, notes } = read('copy_paths: { a: /a }\napp_data_paths: { b: /b }');
    expect(config.shares).toHaveLength(2);
    expect(notes).toEqual(['carried copy_paths', 'lost app_data_paths']);
  });

  it('may have keys of version 2 beside the old ones', () => {
    const text =
      'shares: [{ host: ., guest: /p }]\ncopy_paths: { a: /a }\nrun: { x: { command: [x] } }';
    expect(read(text).config).toMatchObject({
      shares: [{ guest: '/p' }, { host: 'a', mode: 'copy' }],
      run: { x: { command: ['x'] } },
    });
    const both = 'vm: { ram_mb: 1024, memory: 2G, username: a, user: { name: b, shell: /bin/sh } }';
    expect(read(both).config.vm).toEqual({
      memory: 2 * 1024 ** 3,
      user: { name: 'b', shell: '/bin/sh' },
    });
    expect(read(both).notes).toEqual(['lost vm.ram_mb', 'lost vm.username']);
  });

  it('takes null and empty values for what they say: nothing', () => {
    const text = `generated:
vm: { ram_mb: null, base_image: null, password: '', gui: false }
packages:
copy_paths: {}
web_services: []
resources: {}
browser_profiles: []
shutdown_after_setup: false
`;
    const { config, notes } = read(text);
    expect(config).toEqual({ version: '2', vm: {} });
    expect(notes.filter((line) => !line.startsWith('carried'))).toEqual([]);
  });

  it('makes a name of one that is none any more, and says so', () => {
    const { config, origin } = read('vm: { name: ../My VM }');
    expect(config.vm?.name).toBe('my-vm');
    expect(origin?.upgrade).toMatchObject([
      { kind: 'changed', path: 'vm.name', line: 2, column: 7 },
    ]);
  });

  it.each([
    ['auto', 'carried'],
    ['default', 'lost'],
    ['nat', 'lost'],
    ['bridge', 'lost'],
  ])('leaves network_mode %s behind', (mode, kind) => {
    const { config, notes } = read(`vm: { network_mode: ${mode} }`);
    expect([config.network, notes]).toEqual([undefined, [`${kind} vm.network_mode`]]);
  });

  it('never tells the password', () => {
    const { origin } = read('vm: { password: hunter2hunter2 }');
    expect(JSON.stringify(origin?.upgrade)).not.toContain('hunter2');
  });

  it('may say things twice where once is enough', () => {
    const { config, notes } = read('packages: [git, curl, git]\nservices: [a, a]');
    expect(config).toMatchObject({ packages: ['git', 'curl'], services: ['a'] });
    expect(notes).toEqual(['carried packages[2]', 'carried services[1]']);
  });

  it('follows aliases, also of what is gone', () => {
    const text =
      'detected: &x { paths: &p { /a: /b } }\npaths: *p\nvm: { password: &w me, username: *w }';
    expect(read(text).config).toEqual({
      version: '2',
      vm: { user: { name: 'me' } },
      paths: { '/a': '/b' },
    });
  });

  it('may call its version 1, quoted or not', () => {
    for (const version of ['1', '"1"', '1.0']) {
      expect(parseConfig(`version: ${version}\nvm: { vcpus: 2 }`, file).vm).toEqual({ cpus: 2 });
    }
  });
});

describe('problems of a file of version 1', () => {
  it('have the place and the name that the user wrote, all of them', () => {
    const text = `vm:
  name: '!!'
  ram_mb: lots
  vcpus: 0
  disk_size_gb: -1
  gui: maybe
  base_image: [a]
  network_mode: carrier pigeon
  username: Me Myself
  auth_method: handshake
  autostart: true
paths: [a]
copy_paths: [b]
packages: [A_B]
snap_packages: 5
services: ['-x']
post_commands: {}
web_services: [{ type: gunicorn, name: '22', module: --x, working_dir: ~, port: 99999, tls: 1 }, 5]
generatd: now
`;
    expect(problemsIn(text)).toEqual([
      '3:9 vm.name "!!" is not a name: 1 to 63 of a-z, 0-9 and \'-\'',
      '4:11 vm.ram_mb must be a whole number of MiB',
      '5:10 vm.vcpus must be between 1 and 256',
      '6:17 vm.disk_size_gb must be a whole number of GiB',
      '7:8 vm.gui must be true or false',
      '8:15 vm.base_image must be text, not a list',
      '9:17 vm.network_mode must be auto, default or user, not "carrier pigeon"',
      '10:13 vm.username "Me Myself" is not the name of a user',
      '11:16 vm.auth_method must be ssh_key or one_time_password, not "handshake"',
      '12:3 vm.autostart is not a known key',
      '13:8 paths must be a mapping, not a list',
      '14:13 copy_paths must be a mapping of directories to their places in the guest',
      '15:12 packages[0] "A_B" is not a package: NAME or NAME=VERSION',
      '16:16 snap_packages must be a list, not 5',
      '17:12 services[0] "-x" is not a systemd unit',
      '18:16 post_commands must be a list, not a mapping',
      '19:24 web_services[0].type must be uvicorn, not "gunicorn"',
      '19:40 web_services[0].name "22" is the name of another command or port',
      '19:54 web_services[0].module must be a module such as main:app',
      '19:81 web_services[0].port "99999" is not a port: 1 to 65535',
      '19:93 web_services[0].tls is not a known key',
      '19:98 web_services[1] must be a mapping',
      '20:1 generatd is not a known key',
    ]);
  });

  it('are told below a key that has moved, too', () => {
    expect(problemsIn('vm: { ram_mb: 1, disk_size_gb: 99999 }')).toEqual([
      expect.stringMatching(/^2:15 vm\.ram_mb must be between 128M/),
      expect.stringMatching(/^2:32 vm\.disk_size_gb must be between 1G/),
    ]);
    expect(problemsIn('copy_paths: { ~/x: relative }')).toEqual(
      ['2:20 copy_paths.~/x "relative" is not an absolute path'].map((line) =>
        line.replace('~/x', '"~/x"'),
      ),
    );
  });

  it('are variables where none are expanded, but not in the password', () => {
    const text = 'vm: { password: "${P}", base_image: "${HOME}/a" }\npaths: { /a: "/${B}" }';
    expect(problemsIn(text)).toEqual([
      expect.stringMatching(/^2:37 vm\.base_image holds "\$\{HOME\}"/),
      expect.stringMatching(/^3:14 paths."\/a" holds "\$\{B\}"/),
    ]);
    expect(problemsIn('paths: { "${HOME}/a": /a }')).toHaveLength(1);
  });

  it.each([
    ['an alias to itself', 'vm: &x { name: *x }'],
    ['an alias to nothing', 'vm: { ram_mb: *x }'],
    ['an alias to what is around it', 'detected: &x [*x]\npaths: &y { a: *y }'],
    ['a key twice', 'vm: { ram_mb: 1024, ram_mb: 2048 }'],
    ['a machine that is a word', 'vm: qemu\nram_mb: 1024'],
    ['a list for a key', '? [a]\n: 1'],
    ['control characters', 'packages: ["a\\e[31mb"]'],
  ])('are found in a text with %s', (_, text) => {
    const problems = problemsIn(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('')).not.toMatch(/\u001b/);
  });
});
