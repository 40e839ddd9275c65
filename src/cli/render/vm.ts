import type { VmStatus } from '../../ops/status.ts';
import type { Colors } from '../colors.ts';
import { portAddress } from './address.ts';
import type { SheetRow } from './sheet.ts';

type Share = VmStatus['shares'][number];

/** `/home/me/shop (live, same path in the guest)` */
export function shareText(share: Share): string {
  const known: Record<string, string> = {
    rw: 'live',
    ro: 'live, read-only',
    copy: 'copied at creation',
  };
  const where =
    share.guest === share.host ? 'same path in the guest' : `${share.guest} in the guest`;
  return `${share.host} (${known[share.mode] ?? share.mode}, ${where})`;
}

/** Each port but that of ssh: its name, and where it is on this machine. */
export function portRows(vm: VmStatus): SheetRow[] {
  return vm.ports
    .filter((port) => port.name !== 'ssh')
    .map((port) => ({
      label: port.name === String(port.guest) ? 'port' : port.name,
      value: `${portAddress(port)}  -> port ${port.guest}`,
    }));
}

/** What a user must know about how far a running VM is cut off, and what of it is missing. */
export function warningsOf(vm: VmStatus): string[] {
  const open =
    vm.network === null || vm.network.hostIsolated
      ? []
      : [`the guest can reach services on this host's loopback: ${vm.network.reason}`];
  const missing = vm.shares
    .filter((share) => vm.pid !== null && share.mode !== 'copy' && !share.mounted)
    .map((share) => `${share.host} is not mounted in the guest, or the guest does not answer`);
  return [...open, ...missing];
}

/** How a state is coloured. */
export function statePaint(state: string, colors: Colors): (text: string) => string {
  if (state === 'running') return colors.green;
  if (state === 'broken') return colors.red;
  return state === 'stopped' ? (text) => text : colors.yellow;
}
