import { egressPort } from '../core/egress.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { PlannedPackage, RunUnit, VmPlan } from '../core/plan.ts';
import { exactBytes } from '../lib/bytes.ts';
import { guestPlaceOf, homeOf } from './guest-place.ts';
import { hostPath } from './host-path.ts';
import { isImagePath } from './image-kind.ts';
import { locateKeys } from './locate-keys.ts';
import { nowhere } from './origin.ts';
import type { Config } from './parse-config.ts';
import type { Overrides, PlanInput, Report } from './plan-input.ts';
import { checkOf, formatPath, invalidConfig, type Problem } from './problem.ts';
import { isPublicKey } from './public-key.ts';
import { resolvePorts } from './resolve-ports.ts';
import { resolveSecrets, secretOptions } from './resolve-secrets.ts';
import { resolveShares } from './resolve-shares.ts';
import { resolveUser } from './resolve-user.ts';
import { bounds } from './schema.ts';
import { expand } from './variables.ts';

const GiB = 1024 ** 3;

/**
 * Applies overrides and defaults, so that nothing of the plan is left open. Reads nothing but its input. Fails with
 * `config-invalid` (unset variables, shares that cannot be) and with `usage` for an override out of bounds.
 */
export function resolvePlan(input: PlanInput): VmPlan {
  const { config, overrides, project } = input;
  checkOverrides(overrides);
  const problems: Problem[] = [];
  const report = reporter(input, problems);
  const user = resolveUser(input);
  const shares = resolveShares(input, report);
  const place = (project && guestPlaceOf(shares, project)) ?? homeOf(user);
  const run = resolveRun(config, place);
  const egress = config.network?.egress ?? 'full';
  const plan: VmPlan = {
    name: overrides.name ?? config.vm?.name ?? input.defaultName,
    project,
    configFile: input.configFile,
    driver: overrides.driver ?? config.vm?.driver ?? 'qemu',
    image: overrides.image ?? resolveImage(input, report),
    cpus: overrides.cpus ?? config.vm?.cpus ?? Math.max(1, Math.min(4, input.cpuCount)),
    memory: overrides.memory ?? config.vm?.memory ?? 2 * GiB,
    disk: overrides.disk ?? config.vm?.disk ?? 20 * GiB,
    accel: config.vm?.accel ?? 'auto',
    shareDriver: config.vm?.share_driver ?? 'auto',
    memoryMode: config.vm?.memory_mode ?? 'auto',
    templates: {
      warm: config.templates?.warm ?? true,
      resident: config.templates?.resident ?? [],
      pool: config.templates?.pool ?? 0,
    },
    user,
    ...resolveAuth(input, report),
    shares,
    directory: place,
    packages: resolvePackages(input),
    snapPackages: config.snap_packages ?? [],
    services: config.services ?? [],
    run,
    provision: config.provision ?? [],
    postCommands: config.post_commands ?? [],
    ports: resolvePorts(input, run, report),
    egress,
    allow: egress === 'allowlist' ? (config.network?.allow ?? []) : [],
    hostPorts: config.network?.host_ports ?? [],
    environment: resolveEnvironment(input, report),
    secrets: resolveSecrets(input, { user, report }),
    secretOptions: secretOptions(config),
    withheld: [],
  };
  checkHostPorts(plan, report);
  checkEgress(plan, config, report);
  if (problems.length > 0)
    throw invalidConfig(problems, config.origin && checkOf(config.origin.file));
  return plan;
}

function reporter({ config, configFile }: PlanInput, problems: Problem[]): Report {
  const origin = config.origin ?? nowhere(configFile);
  return (path, message) => {
    const { file, line, column, path: name } = origin.at(path);
    problems.push({ file, line, column, path: formatPath(name), message });
  };
}

function checkOverrides(overrides: Overrides): void {
  for (const key of ['cpus', 'memory', 'disk'] as const) {
    const value = overrides[key];
    const { least, most } = bounds[key];
    if (value === undefined || (value >= least && value <= most)) continue;
    const shown = key === 'cpus' ? String : exactBytes;
    throw new CloneboxError('usage', `${key} must be between ${shown(least)} and ${shown(most)}`, {
      facts: { key, value, least, most },
    });
  }
}

/** A port of the host appears on the guest's own loopback, where nothing else can then listen. */
function checkHostPorts({ hostPorts, ports }: VmPlan, report: Report): void {
  const taken = new Set([22, ...ports.map(({ guest }) => guest)]);
  for (const [index, port] of hostPorts.entries()) {
    if (!taken.has(port)) continue;
    report(['network', 'host_ports', index], `is ${port}, on which the guest itself listens`);
  }
}

/** A list that nobody would keep to, or that lets nobody out, is a mistake. The proxy needs its port of the guest. */
function checkEgress({ egress, allow, ports, hostPorts }: VmPlan, config: Config, report: Report) {
  const listed = config.network?.allow?.length ?? 0;
  if (egress === 'full' && listed > 0)
    report(['network', 'allow'], 'has no effect without `egress: allowlist`');
  if (egress !== 'allowlist') return;
  if (allow.length === 0)
    report(['network', 'egress'], 'wants hosts in network.allow; `none` lets nothing out');
  const taken = [...ports.map(({ guest }) => guest), ...hostPorts];
  if (taken.includes(egressPort))
    report(['network', 'egress'], `needs port ${egressPort} of the guest for its proxy`);
}

function resolveImage(input: PlanInput, report: Report): string {
  const image = input.config.vm?.image ?? 'auto';
  if (!isImagePath(image)) return image;
  return hostPath(image, input, (message) => report(['vm', 'image'], message)) ?? image;
}

function resolveRun(config: Config, place: string): RunUnit[] {
  return Object.entries(config.run ?? {}).map(([name, unit]) => ({
    name,
    command: unit.command,
    cwd: unit.cwd?.startsWith('/') ? unit.cwd : join(place, unit.cwd ?? '.'),
    env: unit.env ?? {},
    port: unit.port,
    restart: unit.restart ?? 'on-failure',
  }));
}

function join(place: string, relative: string): string {
  return relative === '.' ? place : `${place}/${relative}`;
}

function resolvePackages({ config, configFile }: PlanInput): PlannedPackage[] {
  const origin = config.origin ?? nowhere(configFile);
  return (config.packages ?? []).map((text, index) => {
    const [name = '', version] = text.split('=', 2);
    const { file, profile } = origin.at(['packages', index]);
    const source = profile ? file : (configFile ?? file);
    const reason = profile ? `listed in profile ${profile.name}` : 'listed in packages';
    return { name, version, finding: { source, confidence: 'certain', reason } };
  });
}

function resolveAuth(input: PlanInput, report: Report): Pick<VmPlan, 'auth' | 'authorizedKeys'> {
  const keys = locateKeys(input, report).map(({ key }) => key);
  const { method = 'ssh_key', password } = input.config.vm?.auth ?? {};
  const { key, provider } = password ?? {};
  const { provider: usual = 'auto' } = input.config.secrets ?? {};
  const secret = key === undefined ? {} : { password: { key, provider: provider ?? usual } };
  return { auth: { method, keys, ...secret }, authorizedKeys: keys.filter(isPublicKey) };
}

function resolveEnvironment({ config, env }: PlanInput, report: Report): Record<string, string> {
  const entries = Object.entries(config.environment ?? {}).map(([name, text]): [string, string] => {
    try {
      return [name, expand(text, env)];
    } catch (error) {
      report(['environment', name], reasonOf(error));
      return [name, ''];
    }
  });
  return Object.fromEntries(entries);
}
