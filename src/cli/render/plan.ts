import { exactBytes } from '../../lib/bytes.ts';
import type { PlanView } from '../../ops/dry-run.ts';
import type { Look } from '../command.ts';
import { renderSheet } from './sheet.ts';

/** `clone --dry-run` for people: exactly what would be made. */
export function renderPlan(plan: PlanView, look: Look): string[] {
  const rows = [
    { label: 'file', value: `${plan.configFile.path} (${plan.configFile.state})` },
    { label: 'machine', value: machineText(plan) },
    { label: 'image', value: plan.image },
    { label: 'user', value: plan.vm.user },
    {
      label: 'shares',
      value: plan.shares.map((one) => `${one.host} -> ${one.guest} (${one.mode})`),
    },
    { label: 'packages', value: plan.needs.map(needText) },
    { label: 'services', value: plan.services.join(', ') },
    { label: 'runs', value: plan.run.map(unitText) },
    { label: 'ports', value: plan.ports.map(portText) },
    { label: 'steps', value: plan.provision === 0 ? '' : `${plan.provision} of its own` },
    { label: 'withheld', value: plan.withheld.map(({ path, reason }) => `${path}: ${reason}`) },
  ];
  return [`${look.colors.bold(plan.vm.name)} would be made so:`, ...renderSheet(rows, look)];
}

function machineText({ vm }: PlanView): string {
  const size = `${exactBytes(vm.memory)} memory, ${exactBytes(vm.disk)} disk`;
  return `${vm.cpus} CPU${vm.cpus === 1 ? '' : 's'}, ${size}; driver ${vm.driver}, accel ${vm.accel}`;
}

function needText(need: PlanView['needs'][number]): string {
  const name = need.version === null ? need.package : `${need.package}=${need.version}`;
  const { finding } = need;
  if (typeof finding !== 'object' || finding === null || !('reason' in finding)) return name;
  return `${name} (${String(finding.reason)})`;
}

function unitText({ name, command, port }: PlanView['run'][number]): string {
  return `${name}: ${command.join(' ')}${port === null ? '' : ` (port ${port})`}`;
}

function portText({ host, guest }: PlanView['ports'][number]): string {
  return `${host === null ? `127.0.0.1:${guest} or the next free one` : `127.0.0.1:${host}`} -> port ${guest}`;
}
