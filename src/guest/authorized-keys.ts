import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import { homeOf } from './accounts.ts';
import { runInGuest } from './phase.ts';

/** Who may log in: the VM's own key and those of the plan; as root the VM's own alone (docs/security.md). */
export function authorizedKeys(
  { user, authorizedKeys: more }: VmPlan,
  own: readonly string[],
): { readonly path: string; readonly content: string }[] {
  const lines = (keys: readonly string[]) => `${keys.filter((key) => key !== '').join('\n')}\n`;
  const login = {
    path: `${homeOf(user)}/.ssh/authorized_keys`,
    content: lines([...own, ...more]),
  };
  if (user.uid === 0) return [login];
  return [login, { path: '/root/.ssh/authorized_keys', content: lines(own) }];
}

/**
 * A file takes the place of the old one in one step, and is durable then: whatever ends, at each moment somebody is let
 * in. Its argument is the path; it is for the owner of its directory alone. What a guest that was cut off left of it goes.
 */
const replace = `set -e
umask 077
directory=$(dirname -- "$1")
rm -f -- "$1".clonebox-*
fresh=$(mktemp "$1.clonebox-XXXXXX")
trap 'rm -f -- "$fresh"' EXIT
cat > "$fresh"
chown --reference="$directory" -- "$fresh"
sync -- "$fresh"
mv -fT -- "$fresh" "$1"
sync -- "$directory"`;

/** Lets these keys in, beside those of the plan, and no others. Their directories are there. */
export async function authorize(
  guest: Guest,
  { plan, own }: { plan: VmPlan; own: readonly string[] },
  io: Io,
): Promise<void> {
  for (const { path, content } of authorizedKeys(plan, own)) {
    const argv = ['/bin/sh', '-c', replace, 'authorize', path];
    const phase = { id: 'keys', title: 'Letting the key in' };
    await runInGuest(guest, argv, {
      stdin: content,
      shown: 'mv',
      timeout: 120_000,
      cwd: '/',
      io,
      phase,
    });
  }
}
