import type { ProvisionStep, VmPlan } from '../core/plan.ts';
import { exactBytes } from '../lib/bytes.ts';
import type { Config } from './parse-config.ts';

/** A configuration as a file would say it. */
export type Written = Readonly<Record<string, unknown>>;

/** What was read, as a file would say it: sizes with their units, steps with their keys. */
export function writtenConfig({ origin: _, ...config }: Partial<Config>): Written {
  const { vm, provision } = config;
  const sized = vm && { ...vm, ...size('memory', vm.memory), ...size('disk', vm.disk) };
  return said({ ...config, vm: sized && said(sized), provision: provision?.map(writtenStep) });
}

/** A plan as the file that leaves nothing open. */
export function writtenPlan(plan: VmPlan): Written {
  const { name, driver, image, cpus, memory, disk, accel, user, shareDriver, memoryMode } = plan;
  const { method, keys, password } = plan.auth;
  const auth = { method, ssh_keys: keys, ...(password && { password }) };
  return {
    vm: {
      ...{ name, driver, image, cpus, memory: exactBytes(memory), disk: exactBytes(disk), accel },
      ...{ user, auth, share_driver: shareDriver },
      memory_mode: memoryMode,
    },
    network: { egress: plan.egress, allow: plan.allow, host_ports: plan.hostPorts },
    shares: plan.shares,
    packages: plan.packages.map(({ name: one, version }) => (version ? `${one}=${version}` : one)),
    snap_packages: plan.snapPackages,
    services: plan.services,
    run: Object.fromEntries(plan.run.map(({ name: one, ...unit }) => [one, said(unit)])),
    provision: plan.provision.map(writtenStep),
    post_commands: plan.postCommands,
    ports: plan.ports.map(({ host, guest }) => (host ? `${host}:${guest}` : String(guest))),
    environment: plan.environment,
    templates: plan.templates,
    secrets: { ...plan.secretOptions, items: Object.fromEntries(plan.secrets.map(writtenSecret)) },
  };
}

function writtenStep(step: ProvisionStep): Written {
  if (step.kind === 'run') return { run: step.run, as: step.as };
  const mode = step.mode.toString(8).padStart(4, '0');
  return { file: step.path, content: step.content, mode };
}

function size(key: string, bytes: number | undefined): Written {
  return bytes === undefined ? {} : { [key]: exactBytes(bytes) };
}

function said(value: object): Written {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}

function writtenSecret({ name, mode, ...secret }: VmPlan['secrets'][number]) {
  const octal = mode.toString(8).padStart(4, '0');
  return [name, said({ ...secret, mode: octal })] as const;
}
