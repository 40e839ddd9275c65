import type { BootSpec } from './driver.ts';
import type { VmName } from './name.ts';
import type { PlannedPort, VmPlan } from './plan.ts';

/** A host port held for one VM, host-wide. `name` is `ssh`, the name of a run unit, or the guest port. */
export interface Lease {
  readonly name: string;
  readonly guest: number;
  readonly host: number;
}

/** What is on disk about a VM: the truth for `start`. */
export interface VmRecord {
  readonly version: 1;
  readonly name: VmName;
  readonly uuid: string;
  readonly mac: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** `creating` until the first boot was provisioned and proven; a crash leaves it, and the VM is then `broken`. `pooled`: a
   * machine of the pool that nobody has claimed, and no VM. */
  readonly phase: 'creating' | 'ready' | 'pooled';
  readonly plan: VmPlan;
  readonly image: {
    readonly reference: string;
    readonly digest: string;
    readonly setup: 'agent' | 'cloud-init';
    readonly boot: BootSpec;
  };
  /** What its disk stands on, when it was made of a template; `warm` is the kept memory it went on from. */
  readonly template?: { readonly key: string; readonly warm?: string };
  readonly layout: number;
  readonly machine: string;
  readonly leases: readonly Lease[];
  /** Ports that `port add` gave, beside those of the plan. */
  readonly addedPorts?: readonly PlannedPort[];
  /** What the command line said over the file at creation: it holds for every later reading of the file. */
  readonly overrides?: Readonly<Record<string, string | number>>;
  /** Set by `--keep-failed`: why a kept VM is not whole. */
  readonly failure?: string;
}
