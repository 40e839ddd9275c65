import type { ProvisionStep } from '../../core/plan.ts';
import type { Path } from '../problem.ts';
import { isPublicKey } from '../public-key.ts';

/** How the items of a list are told apart, and what becomes of two that are the same one. */
export interface ListRule {
  /** Where the list is in a configuration. */
  readonly path: Path;
  /** Two items with the same key are one. */
  readonly keyOf: (item: never) => string;
  /** What `remove` calls an item; its key unless this says otherwise. */
  readonly nameOf?: (item: never) => string;
  /** What `remove` calls the same, however it is written there. */
  readonly read?: (name: string) => string;
  /** True when the earlier of two stays as it is. */
  readonly keeps?: (earlier: never, later: never) => boolean;
}

interface WrittenShare {
  readonly host: string;
  readonly guest?: string | undefined;
}

const unit = (name: string) => (name.includes('.') ? name : `${name}.service`);
/** A key is the same whatever its comment says. */
const key = (written: string) =>
  isPublicKey(written) ? written.split(' ').slice(0, 2).join(' ') : written;
const packageOf = (item: string) => item.replace(/=.*/, '');
const guestPort = (item: string) => item.replace(/^.*:(?=\d+$)/, '').replace(/^0+(?=\d)/, '');
const isPinned = (item: string) => item.includes('=');

/** Every list that is merged item by item, by its key of `remove`. All others are values, and replaced whole. */
export const listRules = {
  packages: {
    path: ['packages'],
    keyOf: packageOf,
    // One without a version says nothing about it.
    keeps: (earlier: string, later: string) => isPinned(earlier) && !isPinned(later),
  },
  snap_packages: { path: ['snap_packages'], keyOf: String },
  services: { path: ['services'], keyOf: unit, read: unit },
  ports: { path: ['ports'], keyOf: guestPort },
  allow: { path: ['network', 'allow'], keyOf: String },
  host_ports: { path: ['network', 'host_ports'], keyOf: String },
  shares: {
    path: ['shares'],
    keyOf: ({ host, guest = 'same' }: WrittenShare) => (guest === 'same' ? host : guest),
  },
  provision: {
    path: ['provision'],
    keyOf: (step: ProvisionStep) => JSON.stringify(step),
    nameOf: (step: ProvisionStep) => (step.kind === 'run' ? step.run : step.path),
  },
  post_commands: { path: ['post_commands'], keyOf: String },
  ssh_keys: { path: ['vm', 'auth', 'ssh_keys'], keyOf: key, read: key },
} as const satisfies Record<string, ListRule>;
