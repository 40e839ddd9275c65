import type { GuestUser } from '../core/plan.ts';
import type { PlanInput } from './plan-input.ts';

/**
 * The guest's account: what the file says, and for the rest the host user, so that shared files have the right
 * owner. Root stays root; an account that is not root never gets root's ids.
 */
export function resolveUser({ config, hostUser, sudoUser }: PlanInput): GuestUser {
  const { name, uid, gid, shell: written } = config.vm?.user ?? {};
  const owner = hostUser.uid === 0 && sudoUser ? sudoUser : hostUser;
  const shell = written ?? loginShell(owner.shell);
  const isOwner = name === undefined && uid === undefined;
  if (name === 'root' || uid === 0 || (owner.uid === 0 && isOwner)) {
    return { name: 'root', uid: 0, gid: gid ?? 0, shell };
  }
  const base =
    owner.uid === 0
      ? { name: 'user', uid: 1000, gid: 1000 }
      : { name: accountName(owner.name), uid: owner.uid, gid: owner.gid };
  return { name: name ?? base.name, uid: uid ?? base.uid, gid: gid ?? base.gid, shell };
}

/** Directory services allow names that a plain account file does not, `DOMAIN\Some.One` for example. */
function accountName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/^.*\\/, '')
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z_]+/, '')
    .slice(0, 32);
  return plain === '' || plain === 'root' ? 'user' : plain;
}

function loginShell(shell: string): string {
  const usable = /^\/[^\s:]+$/.test(shell) && !/\/(nologin|false|true|sync)$/.test(shell);
  return usable ? shell : '/bin/bash';
}
