import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import { homeOf } from './accounts.ts';

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

/** Lets these keys in, beside those of the plan, and no others. The files are there; their owners and modes stay. */
export async function authorize(
  guest: Guest,
  { plan, own }: { plan: VmPlan; own: readonly string[] },
  io: Io,
): Promise<void> {
  for (const { path, content } of authorizedKeys(plan, own)) {
    await guest.writeFile(path, content, io);
  }
}
