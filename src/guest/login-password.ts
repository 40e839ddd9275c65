import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { PasswordChange, PasswordUse } from '../core/setup.ts';
import { hashPassword } from './password-hash.ts';
import { inPhase, runInGuest } from './phase.ts';

/** sshd takes passwords of this user and of nobody else. For a user who is root, its general rule for root gives way. */
export function passwordLogins(user: string): string {
  return [
    `Match User ${user}`,
    '  PasswordAuthentication yes',
    ...(user === 'root' ? ['  PermitRootLogin yes'] : []),
    // What is read after this file is meant for all again.
    'Match all',
    '',
  ].join('\n');
}

/** Where a hash waits until it is decided that it is set: in memory, for root alone. */
const waiting = '/run/clonebox/password';

/** The hash comes by standard input: arguments are seen by everybody in the guest. */
const prepare = `set -e
umask 077
mkdir -p /run/clonebox
cat > ${waiting}.new
mv -f ${waiting}.new ${waiting}
`;

/**
 * Its arguments: user, `expire` or `keep`, text for sshd or nothing. Another one of it may run at the same time, which a
 * process that was killed had begun.
 *
 * An expired password keeps out who has a key, too: PAM's account stage asks for a new one, and sshd ends a command that
 * has no terminal to type it on. `no_pass_expiry` of pam_unix(8) makes it matter to those alone who came by that password.
 */
const apply = `set -e
line=$(cat ${waiting} 2>/dev/null) || exit 0
printf '%s\\n' "$line" | chpasswd -e
if [ "$2" = expire ]; then
  chage -d 0 -- "$1"
  pam=/etc/pam.d/common-account
  [ ! -e "$pam" ] || sed -i -E \\
    '/^account[[:space:]].*pam_unix\\.so/{/no_pass_expiry/!s/pam_unix\\.so/& no_pass_expiry/}' "$pam"
fi
rm -f ${waiting}
[ -n "$3" ] || exit 0
printf '%s' "$3" > /etc/ssh/sshd_config.d/20-clonebox-password.conf
for unit in ssh.service sshd.service; do
  if systemctl is-active --quiet "$unit"; then systemctl reload "$unit"; break; fi
done
`;

/** No password matches it, and unlike `!` sshd does not take the account for locked. */
const noPassword = '*';

const options = { timeout: 120_000, cwd: '/' };

/**
 * Gives an account of the guest a password, or takes it away. The password itself stays here: what goes into the guest is
 * its hash. May be repeated.
 */
export async function setPassword(guest: Guest, change: PasswordChange, io: Io): Promise<void> {
  await preparePassword(guest, change, io);
  await applyPassword(guest, change, io);
}

/** The first half: the hash is in the guest's memory, and no account has it yet. */
export async function preparePassword(
  guest: Guest,
  { user, password }: Pick<PasswordChange, 'user' | 'password'>,
  io: Io,
): Promise<void> {
  const title = password ? 'Setting the password' : 'Locking the password';
  const phase = { id: 'password', title };
  await inPhase(phase, io, async () => {
    const hash = password === undefined ? noPassword : (await hashPassword(password)).reveal();
    const given = { stdin: `${user}:${hash}\n`, shown: 'keeping its hash', io, phase };
    await runInGuest(guest, ['/bin/sh', '-c', prepare], { ...options, ...given });
  });
}

/** The second half: what waits becomes the password. When nothing waits, nothing is done. */
export async function applyPassword(
  guest: Guest,
  { user, expire, ssh }: PasswordUse,
  io: Io,
): Promise<void> {
  const phase = { id: 'password', title: 'Setting the password' };
  const words = [user, expire ? 'expire' : 'keep', ssh ? passwordLogins(user) : ''];
  const argv = ['/bin/sh', '-c', apply, 'password', ...words];
  await runInGuest(guest, argv, { ...options, shown: 'chpasswd', io, phase });
}

/** What waits goes, if there is something. */
export async function dropPassword(guest: Guest, io: Io): Promise<void> {
  const phase = { id: 'password', title: 'Dropping a password' };
  const argv = ['rm', '-f', '--', waiting, `${waiting}.new`];
  await runInGuest(guest, argv, { ...options, io, phase });
}
