import { shortKey } from '../../core/template.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { VmStatus } from '../../ops/status.ts';
import type { Look } from '../command.ts';
import { formatElapsed } from '../text.ts';
import { renderSheet, renderWarnings } from './sheet.ts';
import { portRows, shareText, statePaint, warningsOf } from './vm.ts';

/** `clonebox status` for people: one sheet, then what is not as it should be. */
export function renderStatus(vm: VmStatus, look: Look): string[] {
  const rows = [
    { label: 'state', value: stateText(vm), paint: statePaint(vm.state, look.colors) },
    { label: 'why', value: vm.reason ?? '' },
    { label: 'project', value: vm.project ?? '' },
    { label: 'created', value: vm.created === null ? '' : localTime(vm.created) },
    { label: 'driver', value: vm.driver },
    { label: 'accel', value: accelText(vm) },
    { label: 'network', value: networkText(vm) },
    ...portRows(vm),
    { label: 'shares', value: vm.shares.map((one) => `${shareText(one)}${mountText(vm, one)}`) },
    { label: 'cpus', value: String(vm.cpus) },
    { label: 'memory', value: memoryText(vm) },
    { label: 'disk', value: diskText(vm) },
    { label: 'image', value: `${vm.image.reference} (${vm.image.digest.slice(0, 12)})` },
    { label: 'template', value: templateText(vm) },
    { label: 'user', value: vm.user },
  ];
  return [
    look.colors.bold(vm.name),
    ...renderSheet(rows, look),
    ...renderWarnings(warningsOf(vm), look),
  ];
}

function stateText(vm: VmStatus): string {
  const up = vm.uptimeSeconds === null ? '' : `, up ${formatElapsed(vm.uptimeSeconds * 1000)}`;
  return `${vm.state}${up}${vm.pid === null ? '' : ` (pid ${vm.pid})`}`;
}

function accelText({ accel, accelReason }: VmStatus): string {
  if (accel === null) return '';
  return `${accel.toUpperCase()}${accelReason === null ? '' : `: ${accelReason}`}`;
}

function networkText(vm: VmStatus): string {
  if (vm.network === null) return '';
  const { backend, hostIsolated, egress, refusals } = vm.network;
  if (egress === 'none') return `${backend}, closed: nothing leaves the guest (egress: none)`;
  if (egress === 'allowlist')
    return `${backend}, closed but for network.allow (egress: allowlist); refusals: ${refusals}`;
  return `${backend}, this host's loopback is ${hostIsolated ? 'cut off' : 'NOT cut off'}`;
}

function mountText(vm: VmStatus, share: VmStatus['shares'][number]): string {
  if (share.mode === 'copy' || vm.pid === null) return '';
  return share.mounted
    ? `, mounted${share.driver === null ? '' : ` by ${share.driver}`}`
    : ', NOT mounted';
}

function memoryText({ memory }: VmStatus): string {
  const own = memory.private === null ? [] : [`${formatBytes(memory.private)} of this host used`];
  const shared = memory.shared ? [`${formatBytes(memory.shared)} shared with others`] : [];
  const mode = memory.mode === 'shared' ? ['shared copy-on-write'] : [];
  return [formatBytes(memory.configured), ...mode, ...own, ...shared].join(', ');
}

function templateText({ template: { key, warm, pool } }: VmStatus): string {
  if (key === null) return '';
  const more = pool === 0 ? '' : `, ${pool} more in the pool`;
  return `${shortKey(key)}${warm ? ', gone on from its memory' : ''}${more}`;
}

function diskText({ disk }: VmStatus): string {
  const used = disk.allocated === null ? '' : `, ${formatBytes(disk.allocated)} of this host used`;
  return `${formatBytes(disk.configured)}${used}`;
}

/** `2026-08-22 14:05`, in the time of this machine. */
function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (amount: number) => String(amount).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
