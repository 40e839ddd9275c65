import type { GuestUser } from '../core/plan.ts';
import type { PlannedSecret } from '../core/secrets.ts';
import type { Config } from './parse-config.ts';
import type { PlanInput, Report } from './plan-input.ts';

/** Readable by its owner alone. */
const ownMode = 0o400;

/** The secrets that a file asks for, nothing of them left open. What a service of theirs is not there is a problem. */
export function resolveSecrets(
  { config }: PlanInput,
  { user, report }: { user: GuestUser; report: Report },
): PlannedSecret[] {
  const { provider = 'auto', items = {} } = config.secrets ?? {};
  const known = new Set([...Object.keys(config.run ?? {}), ...(config.services ?? [])]);
  return Object.entries(items).map(([name, item]) => {
    const { service } = item;
    if (service !== undefined && !known.has(service)) {
      report(
        ['secrets', 'items', name, 'service'],
        `is ${service}: not in \`run\` or \`services\``,
      );
    }
    return {
      name,
      provider: item.provider ?? provider,
      key: item.key ?? name,
      path: item.path,
      mode: item.mode === undefined ? ownMode : Number.parseInt(item.mode, 8),
      owner: item.owner === undefined || item.owner === 'user' ? user.name : item.owner,
      service,
    };
  });
}

/** What a file says of the providers, for the record: addresses and paths, never a secret. */
export function secretOptions({ secrets }: Config): Readonly<Record<string, unknown>> {
  const { provider: _, items: __, ...options } = secrets ?? {};
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
