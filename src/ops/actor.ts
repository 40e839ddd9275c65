import type { Actor } from '../core/audit.ts';
import type { Host } from '../core/host.ts';

/** Who runs this command: the user the system knows, and who logged in or came over the network before that. */
export function actorOf(host: Host): Actor {
  const { env, user } = host;
  return {
    user: user.name,
    uid: user.uid,
    login: env.SUDO_USER ?? env.LOGNAME ?? null,
    host: host.hostname,
    pid: process.pid,
    remote: env.SSH_CONNECTION?.split(' ')[0] || null,
  };
}
