import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DetectArea, DetectReport } from '../../src/core/detect.ts';
import {
  because,
  plantedSecret,
  workstationReport,
  workstations,
} from '../fixtures/workstation-bed.ts';

const areas: readonly DetectArea[] = ['services', 'applications', 'packages', 'ports'];
const mebibyte = 1024 ** 2;

/** Everything that is known of a workstation, each thing in one line. */
async function known(name: string) {
  const { found, problems } = await workstationReport(name, areas);
  return { ...linesOf(found), problems };
}

function linesOf({ services, applications, packages, ports }: DetectReport['found']) {
  return {
    services: services?.map((one) => [
      one.unit,
      one.running ? 'runs' : 'stands',
      one.enabled,
      one.package,
      one.ports.join(' '),
      because(one.finding),
    ]),
    applications: applications?.map((one) => [
      one.executable,
      one.owner === null ? null : `${one.owner.kind} ${one.owner.name}`,
      `${one.processes}, ${Math.round(one.memory / mebibyte)} MiB`,
      because(one.finding),
    ]),
    packages: packages?.map((one) => [
      `${one.manager} ${one.name} ${one.version}`,
      because(one.finding),
    ]),
    ports: ports?.map((one) => [
      `${one.port}/${one.protocol}`,
      one.addresses.join(' '),
      one.process,
      because(one.finding),
    ]),
  };
}

const bootAndRun = 'certain, systemctl: it runs, and starts at boot';
const standing = (state: string) => `certain, systemctl: it starts at boot; now it is ${state}`;
const asApplication = 'certain, /proc: it was started as an application';
const ofPackage = 'likely, /proc: it runs, and is of a package';
const ofNone = 'guess, /proc: it runs, and no package is known to have it';
const byApt = 'certain, /var/lib/apt/extended_states: apt has it as asked for';
const bySnap = 'certain, snap list: snap lists it';
const byFlatpak = 'certain, flatpak list: flatpak lists it';
const byDnf = 'certain, /usr/lib/sysimage/libdnf5/packages.toml: dnf has it as asked for';
const unknown = 'guess, /var/lib/dpkg/status: it is installed; why, nobody wrote down';
const tcp = 'certain, /proc/net/tcp: it accepts connections';
const tcp6 = 'certain, /proc/net/tcp6: it accepts connections';

it('a desktop has what its user sees, in snaps and flatpaks too', async () => {
  expect(await known('desktop')).toEqual({
    services: [
      ['NetworkManager.service', 'runs', true, 'network-manager', '', bootAndRun],
      ['apparmor.service', 'stands', true, null, '', standing('exited')],
      ['backup\\x2dof\\x2dada.service', 'stands', true, null, '', standing('failed')],
      ['bluetooth.service', 'stands', true, null, '', standing('dead')],
      ['cups.service', 'runs', true, 'cups-daemon', '', bootAndRun],
      ['postgresql.service', 'stands', true, 'postgresql-common', '', standing('exited')],
      [
        'postgresql@16-main.service',
        'runs',
        null,
        'postgresql-common',
        '5432',
        'certain, systemctl: it runs',
      ],
      ['snap.syncthing.daemon.service', 'runs', true, 'syncthing', '', bootAndRun],
    ],
    applications: [
      ['/snap/firefox/4848/usr/lib/firefox/firefox', 'snap firefox', '3, 684 MiB', asApplication],
      ['/usr/share/code/code', 'apt code', '2, 391 MiB', asApplication],
      ['/home/ada/.nvm/versions/node/v20.11.1/bin/node', null, '2, 215 MiB', ofNone],
      ['/app/bin/gimp-2.10', 'flatpak org.gimp.GIMP', '1, 205 MiB', asApplication],
      ['/opt/obsidian/obsidian', 'apt obsidian', '1, 176 MiB', asApplication],
      ['/usr/libexec/gnome-terminal-server', 'apt gnome-terminal', '1, 59 MiB', asApplication],
      ['/opt/décodeur/decoder', null, '1, 32 MiB', asApplication],
      ['/usr/bin/vim.basic', 'apt vim', '1, 14 MiB', ofPackage],
    ],
    packages: [
      ['apt code 1.92.0-1722473020', byApt],
      ['apt git 1:2.43.0-1ubuntu7', byApt],
      ['apt obsidian 1.6.7', byApt],
      ['apt postgresql-16 16.4-0ubuntu0.24.04.2', byApt],
      ['apt steam-libs-i386:i386 1:1.0.0.81', byApt],
      ['apt vim 2:9.1.0016-1ubuntu7.3', byApt],
      ['snap firefox 129.0.1-1', bySnap],
      ['snap pycharm-community 2024.2', bySnap],
      ['snap syncthing v1.27.10', bySnap],
      ['flatpak org.example.Unversioned ', byFlatpak],
      ['flatpak org.gimp.GIMP 2.10.38', byFlatpak],
    ],
    ports: [
      ['22/tcp', '::', null, tcp6],
      ['53/tcp', '127.0.0.53', null, tcp],
      ['631/tcp', '127.0.0.1', null, tcp],
      ['5173/tcp', '127.0.0.1 ::1', 'node', tcp],
      ['5353/udp', '0.0.0.0', 'firefox', 'certain, /proc/net/udp: it takes datagrams'],
      [
        '5432/tcp',
        '127.0.0.1 ::1',
        'postgres',
        'likely, /proc/net/tcp: the user it belongs to runs only postgresql@16-main.service',
      ],
      [
        '41234/udp',
        '0.0.0.0',
        null,
        'guess, /proc/net/udp: a datagram socket, which may be of a client',
      ],
    ],
    problems: [],
  });
});

it('a server of the Red Hat kind has its services with all their ports', async () => {
  expect(await known('server')).toEqual({
    services: [
      ['atd.service', 'stands', true, 'at', '', standing('dead')],
      ['chronyd.service', 'runs', true, 'chrony', '323', bootAndRun],
      ['httpd.service', 'runs', true, 'httpd', '80 443', bootAndRun],
      ['postgresql.service', 'runs', true, 'postgresql-server', '5432', bootAndRun],
      ['shop.service', 'runs', true, null, '3000', bootAndRun],
      ['sshd.service', 'runs', true, 'openssh-server', '22', bootAndRun],
    ],
    applications: [
      ['/usr/bin/htop', 'rpm htop', '1, 7 MiB', ofPackage],
      ['/usr/bin/tmux', 'rpm tmux', '1, 6 MiB', ofPackage],
    ],
    packages: [
      ['rpm htop 3.3.0-4.fc41', byDnf],
      ['rpm httpd 2.4.62-2.fc41', byDnf],
      ['rpm nodejs 1:22.8.0-1.fc41', byDnf],
      ['rpm postgresql-server 16.4-1.fc41', byDnf],
    ],
    ports: [
      ['22/tcp', '0.0.0.0', 'sshd', tcp],
      ['80/tcp', '::', 'httpd', tcp6],
      ['323/udp', '127.0.0.1', 'chronyd', 'certain, /proc/net/udp: it takes datagrams'],
      ['443/tcp', '::', 'httpd', tcp6],
      ['3000/tcp', '10.0.0.5', 'node', tcp],
      ['5432/tcp', '127.0.0.1', 'postgres', tcp],
    ],
    problems: [],
  });
});

it('a host of containers has the engines, and nothing of what is inside', async () => {
  expect(await known('container-host')).toEqual({
    services: [
      ['broken.service', 'stands', true, null, '', standing('failed')],
      ['containerd.service', 'runs', true, 'containerd.io', '', bootAndRun],
      ['docker.service', 'runs', true, 'docker-ce', '8080', bootAndRun],
    ],
    applications: [['/usr/local/bin/lazydocker', null, '1, 24 MiB', ofNone]],
    packages: [
      ['apt docker-ce 5:27.1.1-1~debian.12~bookworm', byApt],
      ['apt podman 4.3.1+ds1-8+deb12u1', byApt],
    ],
    ports: [
      ['6379/tcp', '::', 'rootlessport', tcp6],
      ['8080/tcp', '0.0.0.0', 'docker-proxy', tcp],
    ],
    problems: [],
  });
});

it('a container without systemd has its services by their processes', async () => {
  expect(await known('minimal')).toEqual({
    services: [
      ['cron.service', 'runs', null, 'cron', '', 'likely, /etc/init.d/cron: its program runs'],
      [
        'nginx.service',
        'runs',
        null,
        'nginx',
        '80',
        'likely, /usr/lib/systemd/system/nginx.service: its program runs',
      ],
      [
        'postgresql.service',
        'runs',
        null,
        'postgresql-15',
        '5432',
        'guess, /proc/30: a server of this name runs',
      ],
    ],
    applications: [
      ['/usr/bin/python3.11', 'apt python3.11-minimal', '1, 21 MiB', ofPackage],
      ['/usr/bin/redis-check-rdb', 'apt redis-tools', '1, 9 MiB', ofPackage],
    ],
    packages: [
      ['apt nginx 1.22.1-9', unknown],
      ['apt nginx-common 1.22.1-9', unknown],
      ['apt postgresql-15 15.8-0+deb12u1', unknown],
      ['apt python3.11-minimal 3.11.2-6+deb12u3', unknown],
      ['apt redis-tools 5:7.0.15-1~deb12u1', unknown],
    ],
    ports: [
      ['80/tcp', '0.0.0.0', 'nginx', tcp],
      ['5432/tcp', '::1', 'postgres', tcp6],
      ['6379/tcp', '127.0.0.1', 'redis-check-rdb', tcp],
    ],
    problems: [
      {
        area: 'packages',
        reason: 'snap failed: cannot list snaps: cannot communicate with server',
      },
    ],
  });
});

describe.each(['desktop', 'server', 'container-host', 'minimal'])('of %s', (name) => {
  it('what programs were called with is told nowhere', async () => {
    const first = path.join(workstations, name, 'proc/1/cmdline');
    expect(readFileSync(first, 'utf8')).toContain(plantedSecret);
    expect(JSON.stringify(await workstationReport(name, areas))).not.toContain(plantedSecret);
  });
});
