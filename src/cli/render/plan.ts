import { shortKey } from '../../core/template.ts';
import { exactBytes, formatBytes } from '../../lib/bytes.ts';
import type { PlanView } from '../../ops/plan-view.ts';
import type { Look } from '../command.ts';
import { renderSheet } from './sheet.ts';

/** `clone --dry-run` for people: exactly what would be made, and why. */
export function renderPlan(plan: PlanView, look: Look): string[] {
  const rows = [
    { label: 'file', value: `${plan.configFile.path} (${plan.configFile.state})` },
    { label: 'machine', value: machineText(plan) },
    { label: 'image', value: imageText(plan) },
    { label: 'template', value: templateText(plan) },
    { label: 'user', value: plan.vm.user },
    { label: 'shares', value: plan.shares.map((share) => shareText(plan, share)) },
    { label: 'packages', value: packageLines(plan.needs) },
    { label: 'services', value: plan.services.map((one) => because(one.name, one)) },
    { label: 'steps', value: plan.provision.map((one) => because(one.step, one)) },
    { label: 'then', value: plan.postCommands.map((one) => because(one.command, one)) },
    { label: 'runs', value: plan.run.map((one) => because(unitText(one), one)) },
    { label: 'ports', value: plan.ports.map((one) => because(portText(one), one)) },
    { label: 'network', value: networkText(plan) },
    { label: 'variables', value: plan.environment.join(', ') },
    {
      label: 'secrets',
      value: plan.secrets.map(({ name, provider, to }) => `${name} (${provider}): ${to}`),
    },
    { label: 'log in', value: loginText(plan) },
    { label: 'left out', value: plan.notes },
    { label: 'withheld', value: plan.withheld.map(({ path, reason }) => `${path}: ${reason}`) },
  ];
  return [`${look.colors.bold(plan.vm.name)} would be made so:`, ...renderSheet(rows, look)];
}

/** What stands in the user's own file, or is the default, needs no reason. */
function because(text: string, { finding }: Pick<PlanView['services'][number], 'finding'>): string {
  const plain = finding.reason === 'it is in the file' || finding.reason === 'the default';
  return plain ? text : `${text} (${finding.source}: ${finding.reason})`;
}

function machineText({ vm, sizes }: PlanView): string {
  const size = `${exactBytes(vm.memory)} memory, ${exactBytes(vm.disk)} disk`;
  const free = `${formatBytes(sizes.free)} free here`;
  return `${vm.cpus} CPU${vm.cpus === 1 ? '' : 's'}, ${size} (${free}); driver ${vm.driver}, accel ${vm.accel}`;
}

function templateText({ template: { key, state } }: PlanView): string {
  return key === null ? state : `${shortKey(key)} (${state})`;
}

function imageText({ image, sizes }: PlanView): string {
  const there = sizes.image === null ? 'not in the cache yet' : formatBytes(sizes.image);
  return `${image} (${there})`;
}

function shareText({ sizes }: PlanView, share: PlanView['shares'][number]): string {
  const { host, guest, mode } = share;
  const bytes = sizes.copies.find((copy) => copy.host === host)?.bytes;
  const size = typeof bytes === 'number' ? `, ${formatBytes(bytes)}` : '';
  return `${host} ${guest === host ? 'at the same path' : `at ${guest}`} (${mode}${size})`;
}

/** `full` is what everybody expects. */
function networkText({ network }: PlanView): string {
  const { egress, allow } = network;
  if (egress === 'full') return '';
  const but = egress === 'none' ? '' : ` but for ${allow.join(', ')}`;
  return `open while it is made, then closed${but} (egress: ${egress})`;
}

/** Packages that are there for one reason stand together; the version is that of the first. */
function packageLines(needs: PlanView['needs']): string[] {
  const groups = new Map<string, PlanView['needs'][number][]>();
  for (const need of needs) {
    const { source, reason } = need.finding;
    const key = JSON.stringify([need.name, source, reason]);
    groups.set(key, [...(groups.get(key) ?? []), need]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const names = group.map((need) => need.package).join(', ');
    return [because(first.version === null ? names : `${names} ${first.version}`, first)];
  });
}

function unitText({ name, command, cwd, port }: PlanView['run'][number]): string {
  const place = cwd === null ? '' : ` in ${cwd}`;
  return `${name}: ${command.join(' ')}${place}${port === null ? '' : `, port ${port}`}`;
}

function portText({ host, guest }: PlanView['ports'][number]): string {
  return `${host === null ? `127.0.0.1:${guest} or the next free one` : `127.0.0.1:${host}`} -> port ${guest}`;
}

function loginText({ auth }: PlanView): string[] {
  const way = auth.method === 'ssh_key' ? [] : [`by ${auth.method.replaceAll('_', ' ')}`];
  return [...way, ...auth.keys];
}
