import type { VmPlan } from '../core/plan.ts';
import { locateKeys } from './locate-keys.ts';
import { nowhere } from './origin.ts';
import type { PlanInput } from './plan-input.ts';
import { formatPath, type Path } from './problem.ts';
import { locateShares } from './resolve-shares.ts';
import { type OriginatedValue, originAt, type ValueOrigin, valuesOf } from './values.ts';
import { writtenPlan } from './written.ts';

/** Keys that the command line can say. */
const overridable = ['name', 'driver', 'image', 'cpus', 'memory', 'disk'] as const;

/** Every value of a plan that was made from this input, with its origin. */
export function resolvedValues(input: PlanInput, plan: VmPlan): OriginatedValue[] {
  const { config, overrides } = input;
  const origin = config.origin ?? nowhere(input.configFile);
  const pathIn = placesOf(input, plan);
  const originOf = (path: Path): ValueOrigin => {
    const [section, key] = path;
    const asked = section === 'vm' && overridable.some((one) => one === key && overrides[one]);
    if (asked) return { kind: 'command-line' };
    const own = pathIn(path);
    if (own !== undefined && isSaid(config, own)) return originAt(origin.at(own));
    return { kind: isOfWorkstation(input, plan, path) ? 'workstation' : 'default' };
  };
  return valuesOf(writtenPlan(plan)).map(({ path, value }) => ({
    ...{ key: formatPath(path), value, origin: originOf(path) },
  }));
}

/** Where the configuration has what stands at a path of the plan: lists of the plan may be in another order. */
function placesOf(input: PlanInput, plan: VmPlan): (path: Path) => Path | undefined {
  const { config } = input;
  const shares = locateShares(input, () => undefined);
  const listed = config.ports?.length ?? 0;
  const keys = locateKeys(input, () => undefined);
  return (path) => {
    const [section, second, third, fourth] = path;
    if (section === 'shares' && typeof second === 'number') {
      const part = third === 'mode' || third === 'guest' ? third : 'host';
      return shares[second]?.at(part);
    }
    if (section === 'ports' && typeof second === 'number' && second >= listed) {
      const unit = plan.run.find(({ port }) => port === plan.ports[second]?.guest);
      return unit && ['run', unit.name, 'port'];
    }
    if (section === 'provision' && typeof second === 'number') return ['provision', second];
    if (third === 'ssh_keys' && typeof fourth === 'number') {
      return keys[fourth]?.at;
    }
    return path;
  };
}

function isSaid(config: object, path: Path): boolean {
  const value = path.reduce<unknown>((inner, step) => {
    if (inner === null || typeof inner !== 'object' || !Object.hasOwn(inner, step))
      return undefined;
    return (inner as Record<string | number, unknown>)[step];
  }, config);
  return value !== undefined;
}

function isOfWorkstation({ hostUser, sudoUser, cpuCount }: PlanInput, plan: VmPlan, path: Path) {
  const key = formatPath(path);
  if (key === 'vm.cpus') return plan.cpus === cpuCount;
  const owner = hostUser.uid === 0 && sudoUser ? sudoUser : hostUser;
  const owners: Readonly<Record<string, boolean>> = {
    'vm.user.name': plan.user.name === owner.name,
    'vm.user.uid': plan.user.uid === owner.uid,
    'vm.user.gid': plan.user.gid === owner.gid,
    'vm.user.shell': plan.user.shell === owner.shell,
  };
  return owners[key] ?? false;
}
