import type { Change } from '../config/changes.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';

/** A VM of that name is there already. */
export function exists(plan: VmPlan, record: VmRecord): CloneboxError {
  const same = record.plan.project === plan.project;
  return new CloneboxError(
    'conflict',
    `${plan.name} exists already${same ? '' : `, made of ${record.plan.project}`}`,
    {
      hint: same
        ? `Start it: clonebox start ${plan.name}`
        : 'Give this one another name: --name NAME',
      facts: { vm: plan.name, project: record.plan.project },
    },
  );
}

/** The VM that is there was made from another configuration: what differs, and the ways on. */
export function changed(plan: VmPlan, different: readonly Change[]): CloneboxError {
  const list = different
    .map((one) => `  ${one.key}: ${one.from} -> ${one.to} (${advice[one.applies]})`)
    .join('\n');
  const rebuild = different.some((one) => one.applies === 'replace');
  return new CloneboxError(
    'conflict',
    `${plan.name} was made from another configuration:\n${list}`,
    {
      hint: rebuild ? 'Make it anew: --replace' : 'Change it: --apply; or make it anew: --replace',
      facts: { vm: plan.name, changes: different },
    },
  );
}

const advice = { live: 'now', start: 'at the next start', replace: 'needs a new VM' } as const;
