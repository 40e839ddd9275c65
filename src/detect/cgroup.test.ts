import { expect, it } from 'vitest';
import { placeOf } from './cgroup.ts';

const user = '/user.slice/user-1000.slice/user@1000.service';
const id = '4f1e2d3c4b5a69788796a5b4c3d2e1f0';

it.each([
  ['/', { kind: 'other' }],
  ['/init.scope', { kind: 'session' }],
  ['/system.slice/nginx.service', { kind: 'service', unit: 'nginx.service' }],
  [
    '/system.slice/system-postgresql.slice/postgresql@16-main.service',
    { kind: 'service', unit: 'postgresql@16-main.service' },
  ],
  ['/machines.slice/shop.service/worker', { kind: 'service', unit: 'shop.service' }],
  ['/user.slice/user-1000.slice/session-3.scope', { kind: 'other' }],
  [`${user}/init.scope`, { kind: 'session' }],
  [`${user}/session.slice/org.gnome.Shell@wayland.service`, { kind: 'session' }],
  [`${user}/app.slice/app-gnome-code-2200.scope`, { kind: 'application' }],
  [`${user}/app.slice/syncthing.service`, { kind: 'other' }],
  [`${user}/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope`, { kind: 'other' }],
  [
    `${user}/app.slice/snap.firefox.firefox-0b6b3a1e-5e8e.scope`,
    { kind: 'application', owner: { kind: 'snap', name: 'firefox' } },
  ],
  [
    '/system.slice/snap.lxd_two.daemon.service',
    { kind: 'service', unit: 'snap.lxd_two.daemon.service', owner: { kind: 'snap', name: 'lxd' } },
  ],
  [
    `${user}/app.slice/app-flatpak-org.gimp.GIMP-2300.scope`,
    { kind: 'application', owner: { kind: 'flatpak', name: 'org.gimp.GIMP' } },
  ],
  [
    `${user}/app.slice/app-flatpak-com.example.a\\x2db-2300.scope`,
    { kind: 'application', owner: { kind: 'flatpak', name: 'com.example.a-b' } },
  ],
  [`/system.slice/docker-${id}.scope`, { kind: 'container' }],
  [`/docker/${id}`, { kind: 'container' }],
  ['/system.slice/docker.service', { kind: 'service', unit: 'docker.service' }],
  [`${user}/user.slice/libpod-${id}.scope/container`, { kind: 'container' }],
  ['/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope', { kind: 'container' }],
  ['/lxc.payload.web/system.slice/ssh.service', { kind: 'container' }],
  // What only looks like one of these.
  [`${user}/app.slice/app-docker-desktop-1.scope`, { kind: 'application' }],
  [`${user}/snap.scope`, { kind: 'other' }],
])('%s', (cgroup, place) => {
  expect(placeOf(cgroup)).toEqual(place);
});
