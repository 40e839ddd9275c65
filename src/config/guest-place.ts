import type { GuestUser, PlannedShare } from '../core/plan.ts';
import { isWithin } from '../lib/is-within.ts';

/** Where a host directory is in the guest, by the closest share that holds it; `undefined` when none does. */
export function guestPlaceOf(shares: readonly PlannedShare[], path: string): string | undefined {
  const [closest] = shares
    .filter((share) => isWithin(share.host, path))
    .toSorted((a, b) => b.host.length - a.host.length);
  if (!closest) return undefined;
  const below = path.slice(closest.host === '/' ? 0 : closest.host.length);
  return below === '' ? closest.guest : `${closest.guest}/${below.replace(/^\//, '')}`;
}

/** The home directory of an account of the guest. */
export function homeOf(user: GuestUser): string {
  return user.uid === 0 ? '/root' : `/home/${user.name}`;
}
