import type { CloneResult } from '../../ops/clone.ts';
import type { StartResult } from '../../ops/start.ts';
import type { VmStatus } from '../../ops/status.ts';
import type { Look } from '../command.ts';
import { formatElapsed } from '../text.ts';
import { renderSheet, renderWarnings, type SheetRow } from './sheet.ts';
import { portRows, shareText, warningsOf } from './vm.ts';

type Made = CloneResult | StartResult;

/** What people see after `clone`, `create`, `start` and `restart`: that it is ready, and how to reach it. */
export function renderMade(made: Made, look: Look): string[] {
  const { vm } = made;
  const runs = vm.state === 'running';
  const next: SheetRow = runs
    ? { label: 'log in', value: `clonebox ssh ${vm.name}` }
    : { label: 'start it', value: `clonebox start ${vm.name}` };
  return [
    headline(made, runs, look),
    ...renderSheet([...shareRows(vm), ...(runs ? portRows(vm) : []), next], look),
    ...renderWarnings(warningsOf(vm), look),
  ];
}

function headline({ vm, outcome, timings }: Made, runs: boolean, { colors }: Look): string {
  const name = colors.bold(vm.name);
  if (outcome === 'unchanged') return `${name} ${runs ? 'runs already' : 'is there already'}`;
  if (outcome === 'applied') return `${name} has the new configuration`;
  const seconds = timings.t_ports ?? timings.t_command ?? timings.t_agent;
  const time = seconds === undefined ? '' : ` in ${formatElapsed(seconds * 1000)}`;
  return `${colors.green(runs ? 'ready' : 'made')}${time}: ${name}`;
}

function shareRows(vm: VmStatus): SheetRow[] {
  return vm.shares.map((share) => ({
    label: share.host === vm.project ? 'project' : 'shared',
    value: shareText(share),
  }));
}
