import type { Guest } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { GuestUser, VmPlan } from '../core/plan.ts';
import type { Workstation } from '../core/setup.ts';
import type { VmPaths } from '../core/store.ts';
import { homeOf, withUser } from './accounts.ts';
import type { GuestFile } from './archive.ts';
import { authorizedKeys } from './authorized-keys.ts';
import { databaseScript } from './database-script.ts';
import { installScript } from './install-script.ts';
import { workstationFiles } from './workstation.ts';

/** The files that make a fresh guest this VM: its name, its user, its keys, and the workstation's facts. */
export async function identityFiles(
  guest: Guest,
  input: { plan: VmPlan; paths: VmPaths; host: Host; workstation: Workstation; io: Io },
): Promise<GuestFile[]> {
  const { plan, paths, host, workstation, io } = input;
  const text = (path: string) => host.files.readText(path);
  return [
    ...(await userFiles(guest, plan.user, io)),
    ...loginFiles(plan, (await text(paths.publicKey))?.trim() ?? ''),
    ...sharedParents(plan),
    ...hostKeyFiles({
      private: (await text(paths.hostKey)) ?? '',
      public: (await text(`${paths.hostKey}.pub`)) ?? '',
    }),
    { path: '/etc/hostname', content: `${plan.name}\n` },
    {
      path: '/etc/hosts',
      content: `127.0.0.1 localhost\n127.0.1.1 ${plan.name}\n::1 localhost ip6-localhost ip6-loopback\n`,
    },
    ...workstationFiles(workstation, plan.environment),
  ];
}

/** The user's account, how it is logged in to, and the tools of every guest: nothing of one VM alone. */
export async function userFiles(guest: Guest, user: GuestUser, io: Io): Promise<GuestFile[]> {
  const text = async (path: string) =>
    Buffer.from((await guest.readFile(path, io)) ?? []).toString('utf8');
  const accounts = withUser(
    {
      passwd: await text('/etc/passwd'),
      shadow: await text('/etc/shadow'),
      group: await text('/etc/group'),
    },
    user,
  );
  const shadowGroup = Number(/^shadow:[^:]*:(\d+):/m.exec(accounts.group)?.[1] ?? 0);
  const home = homeOf(user);
  const owned = { uid: user.uid, gid: user.gid };
  const skeleton: GuestFile[] = [];
  for (const name of user.uid === 0 ? [] : ['.bashrc', '.profile', '.bash_logout']) {
    const content = await text(`/etc/skel/${name}`);
    if (content !== '') skeleton.push({ path: `${home}/${name}`, content, ...owned });
  }
  return [
    { path: '/etc/passwd', content: accounts.passwd },
    { path: '/etc/shadow', content: accounts.shadow, mode: 0o640, gid: shadowGroup },
    { path: '/etc/group', content: accounts.group },
    ...(user.uid === 0
      ? []
      : [
          {
            path: '/etc/sudoers.d/90-clonebox',
            content: `${user.name} ALL=(ALL:ALL) NOPASSWD:ALL\n`,
            mode: 0o440,
          },
          { path: home, directory: true, mode: 0o750, ...owned },
        ]),
    ...skeleton,
    installScript,
    databaseScript,
    {
      path: '/etc/ssh/sshd_config.d/10-clonebox.conf',
      content: [
        'HostKey /etc/ssh/ssh_host_ed25519_key',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        'UseDNS no',
        'AcceptEnv LANG LC_* COLORTERM',
        '',
      ].join('\n'),
      mode: 0o644,
    },
    { path: '/etc/tmpfiles.d/clonebox.conf', content: 'd /run/clonebox 0700 root root -\n' },
  ];
}

/** Who may log in, with the directories that takes. */
export function loginFiles(plan: VmPlan, ownKey: string): GuestFile[] {
  const { user } = plan;
  const home = homeOf(user);
  const owned = { uid: user.uid, gid: user.gid };
  return [
    { path: `${home}/.ssh`, directory: true, mode: 0o700, ...owned },
    // The user is root at will (sudo): the same key for `--as root` and for copies saves that detour.
    ...(user.uid === 0 ? [] : [{ path: '/root/.ssh', directory: true, mode: 0o700 }]),
    ...authorizedKeys(plan, [ownKey]).map((file) => ({
      ...{ ...file, mode: 0o600 },
      ...(file.path.startsWith(`${home}/`) && owned),
    })),
  ];
}

/** The key that the guest's sshd proves itself with, in OpenSSH's own formats. */
export function hostKeyFiles(key: { private: string; public: string }): GuestFile[] {
  const path = '/etc/ssh/ssh_host_ed25519_key';
  return [
    { path, content: key.private, mode: 0o600 },
    { path: `${path}.pub`, content: key.public },
  ];
}

/** Directories between the home and a share inside it: the user's, not root's. Those above come first. */
export function sharedParents({ shares, user }: VmPlan): GuestFile[] {
  const home = homeOf(user);
  const parents = new Set<string>();
  for (const share of shares) {
    if (!share.guest.startsWith(`${home}/`)) continue;
    const parts = share.guest.slice(home.length + 1).split('/');
    for (let depth = 1; depth < parts.length; depth++)
      parents.add(`${home}/${parts.slice(0, depth).join('/')}`);
  }
  const owned = { uid: user.uid, gid: user.gid };
  return [...parents].sort().map((path) => ({ path, directory: true, ...owned }));
}
