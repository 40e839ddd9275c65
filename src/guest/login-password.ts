import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { PasswordChange } from '../core/setup.ts';
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

/**
 * Its arguments: user, `expire` or `keep`, text for sshd or nothing. The hash comes by standard input: arguments are seen
 * by everybody in the guest.
 *
 * An expired password keeps out who has a key, too: PAM's account stage asks for a new one, and sshd ends a command that
 * has no terminal to type it on. `no_pass_expiry` of pam_unix(8) makes it matter to those alone who came by that password.
 */
const script = `set -e
chpasswd -e
if [ "$2" = expire ]; then
  chage -d 0 -- "$1"
  pam=/etc/pam.d/common-account
  [ ! -e "$pam" ] || sed -i -E \\
    '/^account[[:space:]].*pam_unix\\.so/{/no_pass_expiry/!s/pam_unix\\.so/& no_pass_expiry/}' "$pam"
fi
[ -n "$3" ] || exit 0
printf '%s' "$3" > /etc/ssh/sshd_config.d/20-clonebox-password.conf
for unit in ssh.service sshd.service; do
  if systemctl is-active --quiet "$unit"; then systemctl reload "$unit"; break; fi
done
`;

/** No password matches it, and unlike `!` sshd does not take the account for locked. */
const noPassword = '*';

/**
 * Gives an account of the guest a password, or takes it away. The password itself stays here: what goes into the guest is
 * its hash. May be repeated.
 */
export async function setPassword(guest: Guest, change: PasswordChange, io: Io): Promise<void> {
  const { user, password, expire, ssh } = change;
  const phase = {
    id: 'password',
    title: password ? 'Setting the password' : 'Locking the password',
  };
  await inPhase(phase, io, async () => {
    const hash = password === undefined ? noPassword : (await hashPassword(password)).reveal();
    const logins = ssh ? passwordLogins(user) : '';
    const argv = ['/bin/sh', '-c', script, 'password', user, expire ? 'expire' : 'keep', logins];
    const options = { stdin: `${user}:${hash}\n`, shown: 'chpasswd', timeout: 120_000, cwd: '/' };
    await runInGuest(guest, argv, { ...options, io, phase });
  });
}
