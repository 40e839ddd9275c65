import type { ProvisionStep, RunUnit, VmPlan } from '../core/plan.ts';
import { exactBytes } from '../lib/bytes.ts';
import { printable } from '../lib/printable.ts';
import { isPublicKey } from './public-key.ts';

/** How a change can take effect: while the VM runs, at its next start, or by making the VM again. */
export type Applies = 'live' | 'start' | 'replace';

/** A difference between two plans; `key` is the key of the file, `from` and `to` are for people. */
export interface Change {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly applies: Applies;
}

interface Aspect {
  readonly key: string;
  readonly applies: Applies | ((from: VmPlan, to: VmPlan) => Applies);
  readonly show: (plan: VmPlan) => string;
  /** What is compared, where the shown text does not say all of it. */
  readonly exact?: (plan: VmPlan) => string;
}

/** As much of a list as one line of a report can hold. */
const longestText = 400;

const mounted = (plan: VmPlan) => plan.shares.filter(({ mode }) => mode !== 'copy');
const copied = (plan: VmPlan) => plan.shares.filter(({ mode }) => mode === 'copy');
/** A record of an older CloneBox has no other keys than those written out. */
const writtenKeys = ({ auth, authorizedKeys }: Pick<VmPlan, 'auth' | 'authorizedKeys'>) =>
  auth.keys.length > 0 ? auth.keys : authorizedKeys;
const steps = (count: number) => (count === 1 ? '1 step' : `${count} steps`);

const aspects: readonly Aspect[] = [
  { key: 'vm.driver', applies: 'replace', show: ({ driver }) => driver },
  { key: 'vm.image', applies: 'replace', show: ({ image }) => image },
  { key: 'vm.cpus', applies: 'start', show: ({ cpus }) => String(cpus) },
  { key: 'vm.memory', applies: 'start', show: ({ memory }) => exactBytes(memory) },
  {
    key: 'vm.disk',
    applies: (from, to) => (to.disk > from.disk ? 'start' : 'replace'),
    show: ({ disk }) => exactBytes(disk),
  },
  { key: 'vm.accel', applies: 'start', show: ({ accel }) => accel },
  { key: 'vm.share_driver', applies: 'start', show: ({ shareDriver }) => shareDriver },
  {
    key: 'vm.user',
    applies: 'replace',
    show: ({ user }) => `${user.name} (${user.uid}:${user.gid}, ${user.shell})`,
  },
  {
    key: 'vm.auth',
    applies: 'replace',
    show: ({ auth, ...plan }) => {
      const keys = writtenKeys({ auth, ...plan }).map((key) =>
        isPublicKey(key) ? (key.split(' ').at(-1) ?? key) : key,
      );
      return auth.method === 'ssh_key' ? list(keys) : [auth.method, ...keys].join(', ');
    },
    exact: (plan) =>
      JSON.stringify([plan.auth.method, writtenKeys(plan).toSorted(), plan.auth.password ?? null]),
  },
  { key: 'shares', applies: 'start', show: (plan) => list(mounted(plan).map(shareText)) },
  { key: 'shares', applies: 'replace', show: (plan) => list(copied(plan).map(shareText)) },
  {
    key: 'packages',
    applies: 'replace',
    show: ({ packages }) =>
      list(packages.map(({ name, version }) => (version ? `${name}=${version}` : name)).toSorted()),
  },
  { key: 'snap_packages', applies: 'replace', show: (plan) => list(plan.snapPackages.toSorted()) },
  { key: 'services', applies: 'replace', show: (plan) => list(plan.services.toSorted()) },
  {
    key: 'provision',
    applies: 'replace',
    show: ({ provision }) => steps(provision.length),
    exact: ({ provision }) => JSON.stringify(provision.map(stepFields)),
  },
  {
    key: 'post_commands',
    applies: 'replace',
    show: ({ postCommands }) => steps(postCommands.length),
    exact: ({ postCommands }) => JSON.stringify(postCommands),
  },
  {
    key: 'ports',
    applies: 'live',
    show: ({ ports }) =>
      list(ports.map(({ host, guest }) => (host ? `${host}:${guest}` : `${guest}`)).toSorted()),
  },
  { key: 'network.egress', applies: 'start', show: ({ egress }) => egress },
  { key: 'network.allow', applies: 'start', show: ({ allow }) => list(allow.toSorted()) },
  {
    key: 'network.host_ports',
    applies: 'start',
    show: ({ hostPorts }) => list(hostPorts.toSorted((a, b) => a - b).map(String)),
  },
];

/**
 * What differs between the plan a VM was made from and the present one. Where `to` leaves the image to `auto`, the
 * choice made at creation stands. Values of variables are compared and never shown.
 */
export function changes(from: VmPlan, to: VmPlan): Change[] {
  const wanted = to.image === 'auto' ? { ...to, image: from.image } : to;
  const plain = aspects.flatMap(({ key, applies, show, exact = show }): Change[] => {
    if (exact(from) === exact(wanted)) return [];
    const [before, after] = [show(from), show(wanted)];
    return [
      {
        key,
        from: before,
        to: before === after ? `other ${after}` : after,
        applies: typeof applies === 'string' ? applies : applies(from, wanted),
      },
    ];
  });
  const all = [
    ...plain,
    ...runChanges(from.run, to.run),
    ...variableChanges(from, to),
    ...secretChanges(from, to),
  ];
  return all.map((change) => ({
    ...change,
    from: printable(change.from, longestText),
    to: printable(change.to, longestText),
  }));
}

/** A service that gets its first secret, or loses its last, is another unit: that needs a new VM. */
function secretChanges(from: VmPlan, to: VmPlan): Change[] {
  const [before, after] = [secretFields(from), secretFields(to)];
  if (before === after) return [];
  const names = ({ secrets }: VmPlan) => list(secrets.map(({ name }) => name).toSorted());
  const waiting = ({ secrets }: VmPlan) =>
    [...new Set(secrets.flatMap(({ service }) => service ?? []))].toSorted().join();
  const [was, is] = [names(from), names(to)];
  return [
    {
      ...{ key: 'secrets', from: was, to: was === is ? `other ${is}` : is },
      applies: waiting(from) === waiting(to) ? 'start' : 'replace',
    },
  ];
}

function secretFields({ secrets, secretOptions }: VmPlan): string {
  const fields = secrets.map((one) => [
    ...[one.name, one.provider, one.key, one.path ?? null, one.mode, one.owner],
    one.service ?? null,
  ]);
  return JSON.stringify([fields, Object.entries(secretOptions).toSorted()]);
}

function runChanges(from: readonly RunUnit[], to: readonly RunUnit[]): Change[] {
  const names = new Set([...from, ...to].map(({ name }) => name));
  return [...names].flatMap((name): Change[] => {
    const before = from.find((unit) => unit.name === name);
    const after = to.find((unit) => unit.name === name);
    if (unitFields(before) === unitFields(after)) return [];
    const [was, is] = [unitText(before), unitText(after)];
    return [
      { key: `run.${name}`, from: was, to: was === is ? `other ${is}` : is, applies: 'replace' },
    ];
  });
}

function variableChanges(from: VmPlan, to: VmPlan): Change[] {
  const names = new Set([...Object.keys(from.environment), ...Object.keys(to.environment)]);
  return [...names].flatMap((name): Change[] => {
    const [before, after] = [from.environment[name], to.environment[name]];
    if (before === after) return [];
    const value = before === undefined ? 'a value' : 'another value';
    return [
      {
        key: `environment.${name}`,
        from: before === undefined ? 'none' : 'a value',
        to: after === undefined ? 'none' : value,
        applies: 'replace',
      },
    ];
  });
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ');
}

function shareText({ host, guest, mode }: VmPlan['shares'][number]): string {
  return host === guest ? `${host} (${mode})` : `${host} at ${guest} (${mode})`;
}

// Records and plans may hold the same fields in another order, or absent instead of undefined.
function stepFields(step: ProvisionStep): unknown[] {
  return step.kind === 'run' ? [step.run, step.as] : [step.path, step.content, step.mode];
}

function unitFields(unit: RunUnit | undefined): string {
  if (!unit) return '';
  const env = Object.entries(unit.env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([unit.command, unit.cwd, env, unit.port ?? null, unit.restart]);
}

function unitText(unit: RunUnit | undefined): string {
  if (!unit) return 'none';
  const words = unit.command.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word),
  );
  return unit.port === undefined ? words.join(' ') : `${words.join(' ')} (port ${unit.port})`;
}
