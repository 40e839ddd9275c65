import type { GuestUser } from '../core/plan.ts';

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The entries of passwd(5); lines that are not are left out. */
export function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home, shell] = line.split(':');
    if (
      !name ||
      uid === undefined ||
      gid === undefined ||
      home === undefined ||
      shell === undefined
    )
      return [];
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home, shell }];
  });
}

export interface AccountFiles {
  readonly passwd: string;
  readonly shadow: string;
  readonly group: string;
}

/**
 * The account files with the user in them, under exactly this name, uid, gid and shell, without a password, in the
 * sudo group. An image's own account of that uid or name gives way (cloud images bring one): ids decide who owns
 * a shared file. Applying it twice changes nothing.
 */
export function withUser(files: AccountFiles, user: GuestUser): AccountFiles {
  if (user.uid === 0) return files;
  const home = homeOf(user);
  const passwd = files.passwd.split('\n').filter((line) => {
    const [name, , uid] = line.split(':');
    return line !== '' && name !== user.name && uid !== String(user.uid);
  });
  const dropped = parsePasswd(files.passwd)
    .filter((entry) => entry.uid === user.uid && entry.name !== user.name)
    .map((entry) => entry.name);
  const shadow = files.shadow.split('\n').filter((line) => {
    const name = line.split(':')[0] ?? '';
    return line !== '' && name !== user.name && !dropped.includes(name);
  });
  const groups = files.group
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'))
    // A private group of the account that gave way, or one with our group's name and another id.
    .filter(([name, , gid]) => !(dropped.includes(name ?? '') && gid !== String(user.gid)))
    .filter(([name, , gid]) => !(name === user.name && gid !== String(user.gid)))
    .map(([name = '', password = '', gid = '', members = '']) => {
      const list = members
        .split(',')
        .filter((member) => member !== '' && !dropped.includes(member));
      if (name === 'sudo' && !list.includes(user.name)) list.push(user.name);
      return [name, password, gid, list.join(',')];
    });
  if (!groups.some(([, , gid]) => gid === String(user.gid))) {
    groups.push([user.name, 'x', String(user.gid), '']);
  }
  return {
    passwd: `${[...passwd, `${user.name}:x:${user.uid}:${user.gid}::${home}:${user.shell}`].join('\n')}\n`,
    // `*`: no password matches, and unlike `!` sshd does not take the account for locked.
    shadow: `${[...shadow, `${user.name}:*:19000:0:99999:7:::`].join('\n')}\n`,
    group: `${groups.map((fields) => fields.join(':')).join('\n')}\n`,
  };
}

export function homeOf(user: GuestUser): string {
  return user.uid === 0 ? '/root' : `/home/${user.name}`;
}
