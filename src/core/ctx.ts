import type { Audit } from './audit.ts';
import type { Detector } from './detect.ts';
import type { Driver } from './driver.ts';
import type { EgressSettings } from './egress.ts';
import type { Guest } from './guest.ts';
import type { Host } from './host.ts';
import type { Images } from './image.ts';
import type { Io } from './io.ts';
import type { VmName } from './name.ts';
import type { ProjectNeeds } from './needs.ts';
import type { VmPlan } from './plan.ts';
import type { ProcessRef } from './process.ts';
import type { ProjectTree } from './project-tree.ts';
import type { VmRecord } from './record.ts';
import type { SecretResolver } from './secrets.ts';
import type { GuestSetup } from './setup.ts';
import type { Store } from './store.ts';
import type { Templates } from './template.ts';
import type { Trace } from './trace.ts';

/**
 * The whole graph, built by `context.ts`. Ops receive it and import no implementation.
 * Properties are singletons, the costly ones made at their first use; functions are factories or open something.
 */
export interface Ctx {
  readonly host: Host;
  readonly store: Store;
  readonly images: Images;
  readonly templates: Templates;
  readonly io: Io;
  /** What this command line's operations, log lines and errors are tied together by. */
  readonly trace: Trace;
  readonly audit: Audit;
  /** Milliseconds since the epoch at which the user's command started: where timings count from. */
  readonly startedAt: number;
  /** The driver with this name. Fails with `config-invalid` for an unknown one. */
  driver(name: string): Promise<Driver>;
  readonly driverNames: readonly string[];
  /** A channel to the guest of this VM, or of a machine of this driver that is no VM; close it when done. */
  openGuest(name: VmName, driver?: string): Promise<Guest>;
  /** The steps that turn a booted image into the machine of a plan. */
  readonly setup: GuestSetup;
  /** Makes what a guest needs before its first boot: keys, pinned host key, seed medium if its image wants one. */
  prepareFirstBoot(record: VmRecord): Promise<void>;
  /** Makes another login key for a VM at this path, and returns its public half. */
  makeLoginKey(record: VmRecord, path: string): Promise<string>;
  /** Starts the proxy that is the only way out of a VM with an allow-list; it ends with the VM's machine. */
  startEgressProxy(start: { runtime: string; settings: EgressSettings }, io: Io): Promise<void>;
  /**
   * Starts a command of our own that outlives this one: upkeep that any later command could do as well. What it says is
   * in `paths.backgroundLog`.
   */
  startInBackground(words: readonly string[]): Promise<ProcessRef>;
  /**
   * A project's directory, by its canonical path: opened at its first use and kept, so that all of a command reads the same
   * files of the same directory. Fails with `not-found` when there is none, with `refused` when a link is in its path now.
   */
  openProject(directory: string): Promise<ProjectTree>;
  /** What looks at this workstation, one for each area; loaded at its first use. */
  detectors(): Promise<readonly Detector[]>;
  /** Whether one of these names, of what is in a directory, says that it is a project. */
  isProject(names: readonly string[]): Promise<boolean>;
  /** What the project in a directory needs, by its own files. Runs nothing; what is not understood is a note. */
  readNeeds(directory: string, io: Io): Promise<ProjectNeeds>;
  /** What finds the secrets of a project, by what its file and the user's own settings say of the providers. */
  openSecrets(plan: Pick<VmPlan, 'secretOptions' | 'project'>): Promise<SecretResolver>;
  /** The ssh settings of a VM as ssh_config(5) pairs. */
  sshSettings(record: VmRecord): [string, string][];
  /** The ssh argv that reaches this VM with its pinned host key. */
  sshCommand(record: VmRecord, options: SshOptions): Promise<string[]>;
}

export interface SshOptions {
  /** Ask for a terminal. */
  readonly tty: boolean;
  readonly user?: string | undefined;
  /** Extra ssh arguments placed before the destination. */
  readonly extra?: readonly string[];
}
