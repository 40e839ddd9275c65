import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DetectReport, FoundFact } from '../../src/core/detect.ts';
import { type UserOptions, userAreas, userReport } from '../fixtures/user-bed.ts';
import { because, plantedSecret } from '../fixtures/workstation-bed.ts';

const place = (name: string) =>
  fileURLToPath(new URL(`../fixtures/workstations/${name}`, import.meta.url));

/** Everything that is known of a workstation's user, each thing in one line. */
async function known(name: string, options: UserOptions = {}) {
  const { found, problems } = await userReport(place(name), userAreas, options);
  expect(JSON.stringify({ found, problems })).not.toContain(plantedSecret);
  return { ...linesOf(found), problems };
}

function linesOf({ languages, containers, paths, hardware, user }: DetectReport['found']) {
  const fact = ({ name, value, finding }: FoundFact) => `${name}: ${value} (${because(finding)})`;
  return {
    languages: languages?.map(({ name, version, manager, current, path, finding }) => [
      `${name} ${version} ${manager}${current ? ', by default' : ''}`,
      path,
      because(finding),
    ]),
    containers: containers?.map(({ engine, name, image, state, project, ports, finding }) => [
      `${engine} ${name} ${image} ${state}`,
      project,
      ports.map(({ host, container }) => `${host ?? '-'}:${container}`).join(' '),
      because(finding),
    ]),
    paths: paths?.map(({ kind, name, path, bytes, sensitive, finding }) => [
      `${kind}, ${name}: ${path}`,
      sensitive ?? bytes,
      `${finding.confidence}: ${finding.reason}`,
    ]),
    hardware: hardware?.map(fact),
    user: user?.map(fact),
  };
}

const sessions: Readonly<Record<string, UserOptions>> = {
  desktop: {
    searchPath:
      '/home/ada/.nvm/versions/node/v20.11.1/bin:/home/ada/.pyenv/shims:/usr/local/go/bin:/usr/bin:/bin',
    env: { SHELL: '/usr/bin/zsh' },
  },
  server: {},
  'container-host': {
    searchPath: '/run/user/1000/fnm_multishells/1/bin:/usr/bin:/bin',
    env: { SHELL: '/usr/bin/fish', LANG: 'C.UTF-8', TZ: ':Europe/Oslo' },
  },
  minimal: {},
};

describe('what is found of a user', () => {
  it('a desktop has what its version managers, dotfiles and programs say, and nothing out of a place of credentials', async () => {
    expect(await known('desktop', sessions.desktop)).toEqual({
      languages: [
        [
          'node 22.14.0 nvm, by default',
          '/home/ada/.nvm/versions/node/v22.14.0/bin/node',
          'certain, /home/ada/.nvm/versions/node/v22.14.0: installed with nvm',
        ],
        [
          'node 20.11.1 nvm',
          '/home/ada/.nvm/versions/node/v20.11.1/bin/node',
          'certain, /home/ada/.nvm/versions/node/v20.11.1: installed with nvm',
        ],
        [
          'npm 10.9.2 nvm, by default',
          '/home/ada/.nvm/versions/node/v22.14.0/bin/npm',
          'certain, /home/ada/.nvm/versions/node/v22.14.0/lib/node_modules/npm/package.json: with node 22.14.0',
        ],
        [
          'pnpm 9.7.0 nvm, by default',
          '/home/ada/.nvm/versions/node/v22.14.0/bin/pnpm',
          'certain, /home/ada/.nvm/versions/node/v22.14.0/lib/node_modules/pnpm/package.json: with node 22.14.0',
        ],
        [
          'python 3.12.4 pyenv, by default',
          '/home/ada/.pyenv/versions/3.12.4/bin/python',
          'certain, /home/ada/.pyenv/versions/3.12.4: installed with pyenv',
        ],
        [
          'python 3.11.9 pyenv',
          '/home/ada/.pyenv/versions/3.11.9/bin/python',
          'certain, /home/ada/.pyenv/versions/3.11.9: installed with pyenv',
        ],
        [
          'go 1.22.5 by hand, by default',
          '/usr/local/go/bin/go',
          'certain, /usr/local/go/VERSION: it says so itself',
        ],
        [
          'rust 1.80.1 rustup, by default',
          '/home/ada/.rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc',
          'certain, /home/ada/.rustup/toolchains/stable-x86_64-unknown-linux-gnu: installed with rustup',
        ],
        [
          'rust 1.75.0 rustup',
          '/home/ada/.rustup/toolchains/1.75.0-x86_64-unknown-linux-gnu/bin/rustc',
          'certain, /home/ada/.rustup/toolchains/1.75.0-x86_64-unknown-linux-gnu: installed with rustup',
        ],
        [
          'java 21.0.4 sdkman, by default',
          '/home/ada/.sdkman/candidates/java/21.0.4-tem/bin/java',
          'certain, /home/ada/.sdkman/candidates/java/21.0.4-tem: installed with sdkman',
        ],
        [
          'java 17.0.12 sdkman',
          '/home/ada/.sdkman/candidates/java/17.0.12-tem/bin/java',
          'certain, /home/ada/.sdkman/candidates/java/17.0.12-tem: installed with sdkman',
        ],
        [
          'maven 3.9.8 sdkman, by default',
          '/home/ada/.sdkman/candidates/maven/3.9.8/bin/mvn',
          'certain, /home/ada/.sdkman/candidates/maven/3.9.8: installed with sdkman',
        ],
        [
          'ruby 3.3.4 rbenv',
          '/home/ada/.rbenv/versions/3.3.4/bin/ruby',
          'certain, /home/ada/.rbenv/versions/3.3.4: installed with rbenv',
        ],
      ],
      containers: [],
      paths: [
        ['shell, zsh: /home/ada/.zshrc', 234, 'certain: of zsh'],
        [
          'shell, zsh: /home/ada/.zsh_history',
          'what you typed, with passwords',
          'certain: what you typed, with passwords; not looked into',
        ],
        ['editor, vim: /home/ada/.vimrc', 11, 'certain: of vim'],
        ['editor, nvim: /home/ada/.config/nvim', 22, 'certain: of nvim'],
        ['editor, vscode: /home/ada/.config/Code/User', 24, 'certain: of vscode'],
        ['git, git: /home/ada/.gitconfig', 251, 'certain: of git'],
        ['git, git: /home/ada/.config/git', 52, 'certain: of git'],
        [
          'settings, ssh: /home/ada/.ssh',
          'a place of credentials',
          'certain: a place of credentials; not looked into',
        ],
        [
          'settings, netrc: /home/ada/.netrc',
          'a place of credentials',
          'certain: a place of credentials; not looked into',
        ],
        [
          'settings, aws: /home/ada/.aws',
          'a place of credentials',
          'certain: a place of credentials; not looked into',
        ],
        [
          'settings, docker: /home/ada/.docker',
          'may hold credentials',
          'certain: may hold credentials; not looked into',
        ],
        [
          'application data, firefox: /home/ada/.mozilla/firefox',
          'a place of credentials',
          'certain: a place of credentials; not looked into',
        ],
        [
          'application data, slack: /home/ada/.config/Slack',
          'your sessions and passwords',
          'certain: your sessions and passwords; not looked into',
        ],
        ['application data, nvm: /home/ada/.nvm', 115, 'certain: of nvm'],
        ['application data, pyenv: /home/ada/.pyenv', 51, 'certain: of pyenv'],
        ['application data, rbenv: /home/ada/.rbenv', 16, 'certain: of rbenv'],
        ['application data, sdkman: /home/ada/.sdkman', 83, 'certain: of sdkman'],
        ['application data, rustup: /home/ada/.rustup', 282, 'certain: of rustup'],
        [
          'settings, keys: /home/ada/.config/keys',
          'a place of credentials',
          'guess: a place of credentials; not looked into',
        ],
        [
          'settings, rclone: /home/ada/.config/rclone',
          'it may hold tokens',
          'guess: it may hold tokens; not looked into',
        ],
        ['settings, unheard-of: /home/ada/.config/unheard-of', 22, 'guess: by its place'],
      ],
      hardware: [
        'processors: 2 (certain, /proc/cpuinfo: the kernel counts them)',
        'processor: AMD Ryzen 7 7840U w/ Radeon 780M Graphics (certain, /proc/cpuinfo: the kernel says so)',
        'architecture: x86_64 (certain, uname: this program is of it)',
        'memory: 31G (certain, /proc/meminfo: of the whole machine)',
        'memory free: 16G (certain, /proc/meminfo: now, caches given up)',
        'swap: 8G (certain, /proc/meminfo: of the whole machine)',
        'disk free: 50G (certain, /home/ada: where the home is)',
        'acceleration: KVM (certain, /dev/kvm: it opens for this user)',
        'graphics: AMD 1002:15bf (amdgpu) (certain, /sys/class/drm/card0: the kernel drives it)',
        'graphics 2: NVIDIA 10de:28a0 (nvidia) (certain, /sys/class/drm/card1: the kernel drives it)',
        'distribution: Ubuntu 24.04.1 LTS (certain, /etc/os-release: it says so itself)',
        'kernel: Linux 6.8.0-41-generic (certain, /proc/sys/kernel/osrelease: it runs now)',
      ],
      user: [
        'name: ada (certain, /etc/passwd: the account)',
        'uid: 1000 (certain, /etc/passwd: the account)',
        'gid: 1000 (certain, /etc/passwd: the account)',
        'groups: sudo docker ada (certain, /etc/group: it is a member of them)',
        'shell: /usr/bin/zsh (certain, /etc/passwd: the account)',
        'home: /home/ada (certain, /etc/passwd: the account)',
        'locale: de_DE.UTF-8 (certain, /etc/default/locale: of every session)',
        "time zone: Europe/Berlin (certain, /etc/localtime: the machine's)",
        'git name: Ada Lovelace (certain, /home/ada/.gitconfig: user.name of git)',
        'git email: ada@example.org (certain, /home/ada/.gitconfig: user.email of git)',
      ],
      problems: [
        {
          area: 'containers',
          reason:
            'docker failed: permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
        },
      ],
    });
  });

  it('a server without dpkg has what its programs say themselves, and what its start files would turn on', async () => {
    expect(await known('server', sessions.server)).toEqual({
      languages: [
        ['node 20.16.0 system, by default', '/bin/node', 'certain, /bin/node: it says so itself'],
        [
          'python 3.12.5 system, by default',
          '/bin/python3',
          'certain, /bin/python3: it says so itself',
        ],
        [
          'python 3.11.9 mise',
          '/home/ada/.local/share/mise/installs/python/3.11.9/bin/python3',
          'certain, /home/ada/.local/share/mise/installs/python/3.11.9: installed with mise',
        ],
        [
          'go 1.22.6 mise, by default',
          '/home/ada/.local/share/mise/installs/go/1.22.6/bin/go',
          'certain, /home/ada/.local/share/mise/installs/go/1.22.6: installed with mise',
        ],
        [
          'go 1.23.0 mise',
          '/home/ada/.local/share/mise/installs/go/1.23.0/bin/go',
          'certain, /home/ada/.local/share/mise/installs/go/1.23.0: installed with mise',
        ],
        [
          'ruby 3.2.5 rbenv, by default',
          '/home/ada/.rbenv/versions/3.2.5/bin/ruby',
          'certain, /home/ada/.rbenv/versions/3.2.5: installed with rbenv',
        ],
        [
          'ruby 3.3.4 rbenv',
          '/home/ada/.rbenv/versions/3.3.4/bin/ruby',
          'certain, /home/ada/.rbenv/versions/3.3.4: installed with rbenv',
        ],
      ],
      containers: [],
      paths: [
        ['shell, bash: /home/ada/.bashrc', 94, 'certain: of bash'],
        ['settings, mise: /home/ada/.config/mise', 52, 'certain: of mise'],
        ['settings, nginx: /etc/nginx', 14, 'certain: of nginx'],
        ['application data, rbenv: /home/ada/.rbenv', 26, 'certain: of rbenv'],
        ['application data, postgresql: /var/lib/postgresql', 5, 'certain: of postgresql'],
      ],
      hardware: [
        'processors: 1 (certain, /proc/cpuinfo: the kernel counts them)',
        'architecture: x86_64 (certain, uname: this program is of it)',
        'memory: 3.8G (certain, /proc/meminfo: of the whole machine)',
        'memory free: 3G (certain, /proc/meminfo: now, caches given up)',
        'swap: 0B (certain, /proc/meminfo: of the whole machine)',
        'disk free: 50G (certain, /home/ada: where the home is)',
        'acceleration: none (certain, /dev/kvm: there is no such device)',
        'graphics: virtio 1af4:1050 (virtio_gpu) (certain, /sys/class/drm/card0: the kernel drives it)',
        'distribution: Fedora Linux 41 (Server Edition) (certain, /etc/os-release: it says so itself)',
        'kernel: Linux 6.10.6-200.fc40.aarch64 (certain, /proc/sys/kernel/osrelease: it runs now)',
      ],
      user: [
        'name: ada (certain, /etc/passwd: the account)',
        'uid: 1000 (certain, /etc/passwd: the account)',
        'gid: 1000 (certain, /etc/passwd: the account)',
        'groups: wheel ada (certain, /etc/group: it is a member of them)',
        'shell: /bin/bash (certain, /etc/passwd: the account)',
        'home: /home/ada (certain, /etc/passwd: the account)',
        'locale: en_US.UTF-8 (certain, /etc/locale.conf: of every session)',
        "time zone: America/Argentina/Ushuaia (certain, /etc/localtime: the machine's)",
      ],
      problems: [{ area: 'languages', reason: '/bin/php does not say its version' }],
    });
  });

  it('a host of containers has those of both engines, without a word of how they were started', async () => {
    expect(await known('container-host', sessions['container-host'])).toEqual({
      languages: [
        [
          'node 18.20.4 fnm, by default',
          '/home/ada/.local/share/fnm/node-versions/v18.20.4/installation/bin/node',
          'certain, /home/ada/.local/share/fnm/node-versions/v18.20.4: installed with fnm',
        ],
        [
          'node 20.16.0 fnm',
          '/home/ada/.local/share/fnm/node-versions/v20.16.0/installation/bin/node',
          'certain, /home/ada/.local/share/fnm/node-versions/v20.16.0: installed with fnm',
        ],
        [
          'python 3.12.4 conda',
          '/home/ada/miniconda3/bin/python',
          'certain, /home/ada/miniconda3: installed with conda',
        ],
        [
          'python 3.10.14 conda',
          '/home/ada/miniconda3/envs/vision/bin/python',
          'certain, /home/ada/miniconda3/envs/vision: installed with conda',
        ],
      ],
      containers: [
        [
          'docker shop-db-1 postgres:16 running',
          'shop',
          '5433:5432',
          'certain, docker ps: docker says so',
        ],
        [
          'docker web nginx running',
          null,
          '53:53 8080:80 8081:81 -:443',
          'certain, docker ps: docker says so',
        ],
        [
          'docker worker registry.example.org:5000/team/worker:1.4 paused',
          null,
          '',
          'certain, docker ps: docker says so',
        ],
        [
          'podman cart_redis_1 docker.io/library/redis:7 running',
          'cart',
          '16379:6379 7000:7000 7001:7001',
          'certain, podman ps: podman says so',
        ],
        [
          'podman toolbox localhost/toolbox:latest running',
          null,
          '',
          'certain, podman ps: podman says so',
        ],
      ],
      paths: [
        ['shell, fish: /home/ada/.config/fish', 63, 'certain: of fish'],
        ['settings, conda: /home/ada/.condarc', 26, 'certain: of conda'],
        ['application data, fnm: /home/ada/.local/share/fnm', 20, 'certain: of fnm'],
        ['application data, conda: /home/ada/miniconda3', 19, 'certain: of conda'],
        ['application data, podman: /home/ada/.local/share/containers', 0, 'certain: of podman'],
      ],
      hardware: [
        'processors: 4 (certain, sysconf: the kernel counts them)',
        'architecture: x86_64 (certain, uname: this program is of it)',
        'disk free: 50G (certain, /home/ada: where the home is)',
        'acceleration: none (certain, /dev/kvm: there is no such device)',
        'distribution: Debian GNU/Linux 12 (bookworm) (certain, /etc/os-release: it says so itself)',
      ],
      user: [
        'name: ada (certain, /etc/passwd: the account)',
        'uid: 1000 (certain, /etc/passwd: the account)',
        'gid: 100 (certain, /etc/passwd: the account)',
        'groups: users docker (certain, /etc/group: it is a member of them)',
        'shell: /usr/bin/fish (certain, /etc/passwd: the account)',
        'home: /home/ada (certain, /etc/passwd: the account)',
        'locale: C.UTF-8 (certain, environment: of this session)',
        'time zone: Europe/Oslo (certain, environment: of this session)',
      ],
      problems: [],
    });
  });

  it('a minimal system has what there is, and no problem with what there is not', async () => {
    expect(await known('minimal', sessions.minimal)).toEqual({
      languages: [
        [
          'python 3.11.2 apt, by default',
          '/usr/bin/python3.11',
          'certain, /var/lib/dpkg/status: package python3.11-minimal',
        ],
      ],
      containers: [],
      paths: [],
      hardware: [
        'processors: 4 (certain, sysconf: the kernel counts them)',
        'architecture: x86_64 (certain, uname: this program is of it)',
        'disk free: 50G (certain, /home/ada: where the home is)',
        'acceleration: none (certain, /dev/kvm: there is no such device)',
      ],
      user: [
        'name: ada (certain, /etc/passwd: the account)',
        'uid: 1000 (certain, /etc/passwd: the account)',
        'gid: 1000 (certain, /etc/passwd: the account)',
        'shell: /bin/sh (certain, /etc/passwd: the account)',
        'home: /home/ada (certain, /etc/passwd: the account)',
      ],
      problems: [],
    });
  });
});
