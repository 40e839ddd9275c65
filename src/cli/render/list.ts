import type { VmSummary } from '../../ops/status.ts';
import type { Look } from '../command.ts';
import { renderWarnings } from './sheet.ts';
import { renderTable } from './table.ts';
import { statePaint } from './vm.ts';

/** `clonebox list` for people: a table, and why a broken one is broken. */
export async function renderList(vms: readonly VmSummary[], look: Look): Promise<string[]> {
  if (vms.length === 0) return ['No VMs yet. Make one of this directory: clonebox clone --run'];
  const table = await renderTable(
    {
      head: ['NAME', 'STATE', 'PORTS', 'PROJECT'],
      rows: vms.map((vm) => [vm.name, vm.state, portsText(vm), vm.project ?? '-']),
      paint: (cell, column) => (column === 1 ? statePaint(cell, look.colors)(cell) : cell),
    },
    look,
  );
  const broken = vms.filter((vm) => vm.reason !== null).map((vm) => `${vm.name}: ${vm.reason}`);
  return [...table, ...renderWarnings(broken, look)];
}

function portsText(vm: VmSummary): string {
  const ports = vm.ports.filter((port) => port.name !== 'ssh');
  return ports.map(({ host, guest }) => `${host}->${guest}`).join(' ') || '-';
}
