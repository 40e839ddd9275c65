import type { MemoryMode } from './driver.ts';
import type { VmName } from './name.ts';
import type { PlannedSecret } from './secrets.ts';
import type { SharedPath } from './shared-path.ts';

/** The account made in the guest; the host user's own identity by default, so that shared files have the right owner. */
export interface GuestUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly shell: string;
}

export type ShareMode = 'rw' | 'ro' | 'copy';

/** A host directory in the guest: mounted live (`rw`, `ro`) or copied in once at creation (`copy`). */
export interface PlannedShare {
  readonly host: SharedPath;
  readonly guest: string;
  readonly mode: ShareMode;
}

/** A guest port and the host port asked for; without one, any free port is leased. */
export interface PlannedPort {
  readonly name: string;
  readonly guest: number;
  readonly host: number | undefined;
}

/** One of the project's own long-running commands, made into a systemd unit of the guest. */
export interface RunUnit {
  readonly name: string;
  readonly command: readonly string[];
  /** Absolute path in the guest. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  readonly restart: 'no' | 'on-failure' | 'always';
}

export type ProvisionStep =
  | { readonly kind: 'run'; readonly run: string; readonly as: 'root' | 'user' }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly content: string;
      readonly mode: number;
    };

/** Why something is in the plan. */
export interface Finding {
  readonly source: string;
  readonly confidence: 'certain' | 'likely' | 'guess';
  readonly reason: string;
}

export interface PlannedPackage {
  readonly name: string;
  readonly version: string | undefined;
  readonly finding: Finding;
}

/**
 * What the guest reaches of the world once it is made: `full` all of it, `none` nothing, `allowlist` only named hosts,
 * by a proxy on this side. While it is made its network is open.
 */
export type Egress = 'full' | 'none' | 'allowlist';

/** How people log in, as the file says it. */
export interface PlannedAuth {
  readonly method: 'ssh_key' | 'one_time_password' | 'password';
  /** Public keys beside CloneBox's own as they were written, or where they are: absolute paths, `github:USER`, `agent`. */
  readonly keys: readonly string[];
  /** Where the password of method `password` is. */
  readonly password?: { readonly key: string; readonly provider: string };
}

/** How it is made of a template. Not part of what it is: changing it changes no VM. */
export interface PlannedTemplates {
  /** Keep the template's memory, and go on from it. */
  readonly warm: boolean;
  /** Units that hold no identity: they go on running in a clone as they were in the template. */
  readonly resident: readonly string[];
  /** Clones that run already and wait to be claimed. */
  readonly pool: number;
}

/** The resolved configuration: exactly what will be made, nothing left to a default. It becomes the VM's record. */
export interface VmPlan {
  readonly name: VmName;
  readonly project: SharedPath | undefined;
  readonly configFile: SharedPath | undefined;
  readonly driver: string;
  /** The image as written by the user or `auto`; resolved once when the VM is made. */
  readonly image: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly disk: number;
  readonly accel: 'auto' | 'kvm' | 'tcg';
  readonly shareDriver: 'auto' | '9p' | 'virtiofs';
  /** How the memory of a clone is held that goes on from a template's. */
  readonly memoryMode: 'auto' | MemoryMode;
  readonly templates: PlannedTemplates;
  readonly user: GuestUser;
  readonly auth: PlannedAuth;
  /** The public keys that go into the guest: in a plan those that were written out, in a record all of `auth.keys`. */
  readonly authorizedKeys: readonly string[];
  readonly shares: readonly PlannedShare[];
  /** Where commands run in the guest: the project's place there, or the user's home. */
  readonly directory: string;
  readonly packages: readonly PlannedPackage[];
  readonly snapPackages: readonly string[];
  readonly services: readonly string[];
  readonly run: readonly RunUnit[];
  readonly provision: readonly ProvisionStep[];
  readonly postCommands: readonly string[];
  readonly ports: readonly PlannedPort[];
  readonly egress: Egress;
  /** Hosts for `allowlist`, as `core/allowed-host.ts` reads them; else empty. */
  readonly allow: readonly string[];
  /** Ports on the host's loopback that the guest may reach, at the same port of its own loopback. */
  readonly hostPorts: readonly number[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where its secrets are and where they go: never a value. */
  readonly secrets: readonly PlannedSecret[];
  /** What its file says of the providers, by their names. */
  readonly secretOptions: Readonly<Record<string, unknown>>;
  readonly withheld: readonly { readonly path: string; readonly reason: string }[];
}
