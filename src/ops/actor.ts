import type { Actor } from '../core/audit.ts';
import type { Host } from '../core/host.ts';

/** Who runs this command: the user the system knows, and who logged in or came over the network before that. */
export async function actorOf(host: Host): Promise<Actor> {
  const { env, user } = host;
  return {
    user: user.name,
    uid: user.uid,
    login: (await loginName(host)) ?? env.SUDO_USER ?? null,
    host: host.hostname,
    pid: process.pid,
    remote: env.SSH_CONNECTION?.split(' ')[0] || null,
  };
}

/** What the kernel keeps of a login session, which neither su nor sudo changes (pam_loginuid(8)). */
async function loginName(host: Host): Promise<string | undefined> {
  const uid = (await host.files.readText('/proc/self/loginuid').catch(() => undefined))?.trim();
  // All ones: no login, such as a service.
  if (!uid || uid === '4294967295') return undefined;
  const passwd = (await host.files.readText('/etc/passwd')) ?? '';
  return (
    passwd
      .split('\n')
      .find((line) => line.split(':')[2] === uid)
      ?.split(':')[0] ?? uid
  );
}
