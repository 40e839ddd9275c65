import { randomBytes, randomUUID } from 'node:crypto';
import type { Overrides } from '../config/plan-input.ts';
import type { Image } from '../core/image.ts';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { templateMac } from '../core/template.ts';
import type { Beginning } from './templates/choose.ts';

/** What is written down of a new VM. */
export function newRecord(
  plan: VmPlan,
  made: {
    name: VmName;
    reference: string;
    image: Image;
    beginning: Beginning;
    facts: { machine: string | undefined; layout: number };
    leases: VmRecord['leases'];
    now: number;
    overrides: Overrides;
    /** The machine that it was before, if one was claimed. */
    member?: Pick<VmRecord, 'uuid' | 'mac'> | undefined;
  },
): VmRecord {
  const { image } = made;
  return {
    version: 1,
    name: made.name,
    uuid: made.member?.uuid ?? randomUUID(),
    mac: made.member?.mac ?? (made.beginning.path === 'warm' ? templateMac : newMac()),
    created: new Date(made.now).toISOString(),
    phase: 'creating',
    // What `auto` meant is written down: a later reading of the file does not ask again.
    plan: { ...plan, image: made.reference },
    image: {
      reference: made.reference,
      digest: image.digest,
      setup: image.setup,
      boot: image.boot,
    },
    ...templateOf(made.beginning),
    layout: made.facts.layout,
    machine: made.facts.machine ?? '',
    leases: made.leases,
    overrides: stored(made.overrides),
  };
}

/** Locally administered, QEMU's own prefix. */
function newMac(): string {
  const bytes = [...randomBytes(3)].map((byte) => `:${byte.toString(16).padStart(2, '0')}`);
  return `52:54:00${bytes.join('')}`;
}

function templateOf(beginning: Beginning): Pick<VmRecord, 'template'> {
  if (beginning.path === 'cold') return {};
  const { key } = beginning.template;
  return { template: beginning.path === 'warm' ? { key, warm: beginning.warm.key } : { key } };
}

/** What the command line said, for the record: it goes on to hold when the file is read again. */
export function stored(overrides: Overrides): Record<string, string | number> {
  const { profiles: _, ...lasting } = overrides;
  return Object.fromEntries(
    Object.entries(lasting).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
