import type {
  Egress,
  Finding,
  PlannedPackage,
  PlannedPort,
  RunUnit,
  VmPlan,
} from '../core/plan.ts';
import type { FirstConfig } from './first-config.ts';
import type { PlanSizes } from './plan-sizes.ts';
import { secretLine } from './secrets/secret-line.ts';
import type { PlannedTemplate } from './templates/planned.ts';

interface Because {
  readonly finding: Finding;
}

/** The plan as scripts and people read it (interface of `clone --dry-run`): of everything that is in, why. Sizes in bytes. */
export interface PlanView {
  readonly vm: {
    readonly name: string;
    readonly driver: string;
    readonly cpus: number;
    readonly memory: number;
    readonly disk: number;
    readonly user: string;
    readonly accel: string;
  };
  readonly image: string;
  readonly template: PlannedTemplate;
  readonly needs: readonly (Because & {
    readonly name: string;
    readonly version: string | null;
    readonly via: string;
    readonly package: string;
  })[];
  readonly services: readonly (Because & { readonly name: string })[];
  readonly shares: readonly (Because & VmPlan['shares'][number])[];
  readonly ports: readonly (Because & {
    readonly name: string;
    readonly guest: number;
    readonly host: number | null;
  })[];
  readonly network: { readonly egress: Egress; readonly allow: readonly string[] };
  readonly run: readonly (Because & {
    readonly name: string;
    readonly command: readonly string[];
    /** Below the project's place in the guest; `null` there itself. */
    readonly cwd: string | null;
    readonly port: number | null;
  })[];
  readonly provision: readonly (Because & { readonly step: string; readonly as: string })[];
  readonly postCommands: readonly (Because & { readonly command: string })[];
  /** Where each secret is from and where it goes; no value. */
  readonly secrets: readonly {
    readonly name: string;
    readonly provider: string;
    readonly to: string;
  }[];
  readonly auth: { readonly method: string; readonly keys: readonly string[] };
  readonly environment: readonly string[];
  readonly sizes: PlanSizes;
  /** What was seen and is not in. */
  readonly notes: readonly string[];
  readonly withheld: VmPlan['withheld'];
  readonly configFile: { readonly path: string; readonly state: 'exists' | 'would be written' };
}

export interface PlanViewInput {
  readonly plan: VmPlan;
  readonly configFile: string;
  /** Of a project without a file: what was found of it. */
  readonly draft: FirstConfig | undefined;
  readonly sizes: PlanSizes;
  readonly template: PlannedTemplate;
}

/** A plan with the findings it came from. What stands in the user's own file needs no other reason. */
export function planView({ plan, configFile, draft, sizes, template }: PlanViewInput): PlanView {
  const { name, driver, cpus, memory, disk, user, accel } = plan;
  const needs = draft?.needs;
  const own: Finding =
    draft === undefined
      ? { source: configFile, confidence: 'certain', reason: 'it is in the file' }
      : { source: 'CloneBox', confidence: 'certain', reason: 'the default' };
  const why = (finding: Finding | undefined): Because => ({ finding: finding ?? own });
  const ofUnit = (unit: string) => needs?.run.find((one) => one.name === unit)?.finding;
  return {
    vm: { name, driver, cpus, memory, disk, user: user.name, accel },
    image: plan.image,
    template,
    needs: plan.packages.map((one) => packageView(one, draft)),
    services: plan.services.map((unit) => ({
      name: unit,
      ...why(needs?.services.find((one) => one.name === unit)?.finding),
    })),
    shares: plan.shares.map((share) => ({ ...share, ...why(shareFinding(plan, share.host)) })),
    ports: plan.ports.map((port) => ({ ...portView(port), ...why(ofUnit(port.name)) })),
    network: { egress: plan.egress, allow: plan.allow },
    run: plan.run.map((unit) => ({ ...unitView(unit, plan.directory), ...why(ofUnit(unit.name)) })),
    provision: plan.provision.map((step) =>
      step.kind === 'file'
        ? { step: `writes ${step.path}`, as: 'root', ...why(undefined) }
        : {
            step: step.run,
            as: step.as,
            ...why(needs?.steps.find(({ run }) => run === step.run)?.finding),
          },
    ),
    postCommands: plan.postCommands.map((command) => ({
      command,
      ...why(needs?.setup.find((one) => one.command === command)?.finding),
    })),
    secrets: plan.secrets.map(secretView),
    auth: { method: plan.auth.method, keys: plan.auth.keys },
    environment: Object.keys(plan.environment),
    sizes,
    notes: [
      ...(needs?.notes ?? []),
      ...(needs?.idlePorts ?? []).map(
        ({ port, finding }) =>
          `port ${port} (${finding.source}: ${finding.reason}): nothing here starts what listens there`,
      ),
    ],
    withheld: plan.withheld,
    configFile: { path: configFile, state: draft === undefined ? 'exists' : 'would be written' },
  };
}

function packageView(one: PlannedPackage, draft: FirstConfig | undefined) {
  const known = draft?.needs.packages.find(({ name }) => name === one.name);
  return {
    name: known?.need ?? one.name,
    version: one.version ?? known?.version ?? null,
    via: 'apt',
    package: one.name,
    finding: known?.finding ?? one.finding,
  };
}

function shareFinding(plan: VmPlan, host: string): Finding | undefined {
  if (host !== plan.project) return undefined;
  return { source: host, confidence: 'certain', reason: 'the project' };
}

function portView(port: PlannedPort) {
  return { name: port.name, guest: port.guest, host: port.host ?? null };
}

function unitView({ name, command, cwd, port }: RunUnit, directory: string) {
  const below = cwd.startsWith(`${directory}/`) ? cwd.slice(directory.length + 1) : cwd;
  return { name, command, cwd: cwd === directory ? null : below, port: port ?? null };
}

function secretView(secret: VmPlan['secrets'][number]) {
  const { name, provider, service } = secret;
  const { path } = secretLine(secret);
  return { name, provider, to: service === undefined ? path : `${path}, variable of ${service}` };
}
