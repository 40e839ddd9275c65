import type { Ctx } from '../../core/ctx.ts';
import type { Guest } from '../../core/guest.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { Drift } from './drift.ts';

const wanted = 'enabled, active';

/** The services and commands of a plan, which the guest should have enabled and running. */
export async function serviceDrift(ctx: Ctx, guest: Guest, plan: VmPlan): Promise<Drift[]> {
  const units = [
    ...plan.services.map((name) => ({ name, unit: unitName(name) })),
    ...plan.run.map(({ name }) => ({ name: `run.${name}`, unit: `clonebox-run-${name}.service` })),
  ];
  if (units.length === 0) return [];
  const properties = ['-p', 'Id,LoadState,UnitFileState,ActiveState'];
  const argv = ['systemctl', 'show', ...properties, '--', ...units.map(({ unit }) => unit)];
  const { stdout } = await guest.exec(argv, ctx.io, { timeout: 20_000 });
  const states = parseUnits(stdout);
  return units.map(({ name }, index) => ({
    area: 'services',
    name,
    workstation: null,
    config: wanted,
    guest: states[index] ?? 'unknown',
  }));
}

function unitName(name: string): string {
  return name.includes('.') ? name : `${name}.service`;
}

/** One text per unit, in the order asked for, from the blocks of `systemctl show`. */
export function parseUnits(output: string): string[] {
  return output
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const read = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
      if (read('LoadState') === 'not-found') return 'not there';
      // An alias or a generated unit is as good as an enabled one when it runs.
      const file = read('UnitFileState');
      const isOn = ['enabled', 'alias', 'generated', 'static', 'enabled-runtime'].includes(file);
      return `${isOn ? 'enabled' : file || 'not enabled'}, ${read('ActiveState') || 'unknown'}`;
    });
}
