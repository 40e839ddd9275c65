import { isCredentialPort } from '../core/credential-ports.ts';
import type { VmPlan } from '../core/plan.ts';
import { isWithin } from '../lib/is-within.ts';
import { isBuiltInImage } from './image-kind.ts';
import { parseKeySource } from './key-source.ts';
import type { Config } from './parse-config.ts';
import { providerReach } from './provider-reach.ts';
import type { Reach } from './reach.ts';
import { variablesOf } from './variables.ts';

/**
 * What a VM would reach beside what it reaches today, when its file now says so: a guest can write that file, and must
 * not let itself out.
 */
export function widerEgress(from: VmPlan, to: VmPlan): Reach[] {
  const width = ['none', 'allowlist', 'full'];
  if (width.indexOf(to.egress) <= width.indexOf(from.egress)) return [];
  const what = to.egress === 'full' ? 'everything' : 'the hosts of network.allow';
  return [
    { what: 'network', value: `${what} (egress: ${to.egress}), instead of egress: ${from.egress}` },
  ];
}

/**
 * What a plan reaches outside the project directory, to be confirmed before it is done: shares, images that are
 * not the distributions' own, host ports, ports of this host whose clients send credentials, hosts of an allow-list (with `full` there is nothing to name), secrets,
 * public keys from elsewhere. The paths of shares and key files must be free of links. With `config` also the variables of
 * the host's environment that would go into the guest.
 */
export function outsideReach(plan: VmPlan, home: string, config?: Config): Reach[] {
  const shares = plan.shares
    .filter(({ host }) => plan.project === undefined || !isWithin(plan.project, host))
    .map(({ host, mode }) => ({
      what: isWithin(host, home) ? 'share with your home directory in it' : 'share',
      value: `${host} (${mode})`,
    }));
  const images = isBuiltInImage(plan.image) ? [] : [{ what: 'image', value: plan.image }];
  const ports = plan.hostPorts.map((port) => ({ what: 'host port', value: `127.0.0.1:${port}` }));
  const taken = plan.ports.flatMap(({ host, guest }) =>
    host !== undefined && (host < 1024 || isCredentialPort(host))
      ? [{ what: 'port that it takes', value: `127.0.0.1:${host}, for port ${guest} of the guest` }]
      : [],
  );
  const secrets = plan.secrets.map(({ name, provider, key }) => ({
    what: 'secret',
    value: key === name ? `${name} (${provider})` : `${name}: ${key} (${provider})`,
  }));
  const names = Object.values(config?.environment ?? {}).flatMap(variablesOf);
  const variables = [...new Set(names)].map((value) => ({ what: 'host variable', value }));
  const hosts = plan.allow.map((value) => ({ what: 'network host', value }));
  const keys = plan.auth.keys.flatMap((key) => keyReach(plan, key));
  const { password } = plan.auth;
  const passwords = password === undefined ? [] : [{ what: 'secret', value: password.key }];
  const told = [...secrets, ...passwords, ...providerReach(plan)];
  return [...shares, ...images, ...ports, ...taken, ...hosts, ...variables, ...keys, ...told];
}

/** What of a key is not in the configuration itself. The paths of files must be free of links. */
function keyReach({ project }: VmPlan, key: string): Reach[] {
  const source = parseKeySource(key);
  switch (source.kind) {
    case 'line':
      return [];
    case 'file':
      if (project !== undefined && isWithin(project, source.path)) return [];
      return [{ what: 'public keys of a file, which may log in', value: source.path }];
    case 'github':
      return [{ what: 'public keys of a GitHub user, who may log in', value: source.user }];
    case 'agent':
      return [{ what: 'public keys, which may log in', value: 'all that your ssh agent has' }];
  }
}
