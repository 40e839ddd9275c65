import { type AllowedHost, allowedBy, isAddress, type Target } from '../core/allowed-host.ts';
import { reasonOf } from '../core/errors.ts';
import { kindOfAddress } from './addresses.ts';

/** One address that a name has. */
export interface Resolved {
  readonly address: string;
  readonly family: number;
}

/** `addresses` are the only ones that may be connected to, and there is one at least. */
export type Decision =
  | { readonly ok: true; readonly target: Target; readonly addresses: readonly Resolved[] }
  | { readonly ok: false; readonly status: 403 | 502; readonly reason: string };

export interface DecideOptions {
  readonly allowed: readonly AllowedHost[];
  readonly lookup: (host: string) => Promise<readonly Resolved[]>;
}

/**
 * Whether a guest may go to a target, and by which addresses. A name that leads to this host is refused, whatever the
 * list says, since whoever owns a name decides where it leads (DNS rebinding); one that leads to a private network is
 * only let through by an entry of its own.
 */
export async function decide(target: Target, options: DecideOptions): Promise<Decision> {
  const by = allowedBy(options.allowed, target);
  if (by === undefined) return refusal('is not in network.allow');
  if (isAddress(target.host)) {
    const family = target.host.includes(':') ? 6 : 4;
    return { ok: true, target, addresses: [{ address: target.host, family }] };
  }
  let addresses: readonly Resolved[];
  try {
    addresses = await options.lookup(target.host);
  } catch (error) {
    return { ok: false, status: 502, reason: `cannot be looked up (${reasonOf(error)})` };
  }
  const kinds = addresses.map(({ address }) => kindOfAddress(address));
  if (kinds.includes('host')) return refusal('leads to this host or its own wire');
  if (kinds.includes('private') && by === 'wildcard')
    return refusal('leads to a private network, and is not named itself in network.allow');
  if (addresses.length === 0) return { ok: false, status: 502, reason: 'has no address' };
  return { ok: true, target, addresses };
}

function refusal(reason: string): Decision {
  return { ok: false, status: 403, reason };
}
