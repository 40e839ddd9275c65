import { baseName } from './paths.ts';
import type { RunningProcess } from './processes.ts';

/** Programs that hold a session together or that users work through: they are with every system. */
const plumbing = new Set([
  // Shells, and the ways to one.
  ...['bash', 'dash', 'sh', 'zsh', 'fish', 'ksh', 'ksh93', 'mksh', 'tcsh', 'busybox', 'login'],
  ...['su', 'sudo', 'doas', 'pkexec', 'sshd', 'sshd-session', 'sftp-server', 'mosh-server'],
  ...['ssh-agent', 'gpg-agent', 'scdaemon', 'dirmngr', 'keyboxd', 'agetty', 'getty'],
  // The first process, in its many forms.
  ...[
    'init',
    'systemd',
    'dumb-init',
    'tini',
    'tini-static',
    'docker-init',
    'catatonit',
    's6-svscan',
  ],
  ...['s6-supervise', 'runit', 'runsv', 'runsvdir', 'supervise-daemon', 'openrc-init'],
  // Buses, sound, accessibility, keyrings, input methods.
  ...['dbus-daemon', 'dbus-broker', 'dbus-broker-launch', 'dbus-run-session', 'dbus-launch'],
  ...['pipewire', 'pipewire-pulse', 'wireplumber', 'pulseaudio', 'gnome-keyring-daemon'],
  ...[
    'ibus-daemon',
    'fcitx5',
    'at-spi2-registryd',
    'at-spi-bus-launcher',
    'polkitd',
    'dconf-service',
  ],
  ...['gjs-console', 'gvfsd', 'xdg-dbus-proxy', 'bwrap', 'xdg-permission-store', 'fusermount3'],
  // Displays and desktops.
  ...['Xorg', 'Xwayland', 'Xvfb', 'Xtigervnc', 'gnome-shell', 'gnome-session-binary', 'mutter'],
  ...[
    'mutter-x11-frames',
    'plasmashell',
    'kwin_wayland',
    'kwin_x11',
    'kded5',
    'kded6',
    'ksmserver',
  ],
  ...[
    'kglobalacceld',
    'startplasma-x11',
    'startplasma-wayland',
    'xfce4-session',
    'xfwm4',
    'xfdesktop',
  ],
  ...['xfce4-panel', 'xfsettingsd', 'cinnamon', 'cinnamon-session-binary', 'mate-session', 'marco'],
  ...['sway', 'Hyprland', 'i3', 'waybar', 'swaybg'],
  // What keeps containers running.
  ...[
    'containerd-shim-runc-v2',
    'conmon',
    'runc',
    'crun',
    'slirp4netns',
    'pasta.avx2',
    'passt.avx2',
  ],
  ...['rootlessport', 'rootlesskit', 'fuse-overlayfs', 'aardvark-dns', 'netavark', 'docker-proxy'],
]);

/** Where systems keep what programs and the system start, rather than users. */
const backstage =
  /^\/usr\/(libexec|sbin|lib\/(systemd|gvfs|polkit-1|dbus-1\.0|at-spi2-core|bluetooth))\//;

/** Programs that run others' programs: which one that is says nothing about who is running. */
const interpreter =
  /^(python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|bun|deno|java|php[\d.]*|lua[\d.]*|bash|dash|sh|zsh|env|tclsh[\d.]*)$/;

/** True of a process that is of the system, of the desktop, or in a container, rather than an application of the user. */
export function isPlumbing({ executable, place }: RunningProcess): boolean {
  if (place.kind === 'service' || place.kind === 'session' || place.kind === 'container')
    return true;
  if (executable === undefined || plumbing.has(baseName(executable))) return true;
  // The terminal of GNOME lives there too; its desktop says that it is an application.
  return place.kind !== 'application' && backstage.test(executable);
}

/** True of a program that runs whatever it is given. */
export function isInterpreter(executable: string): boolean {
  return interpreter.test(baseName(executable));
}
