/** What a clone is given to be itself: made on this host for one VM, and never part of a template. */
export interface NewIdentity {
  readonly hostname: string;
  /** 32 hex digits (machine-id(5)). */
  readonly machineId: string;
  /** A UUID: what the guest's programs see as the kernel's boot id. */
  readonly bootId: string;
  /** OpenSSH's own formats, as the guest's files hold them. */
  readonly hostKey: { readonly private: string; readonly public: string };
  /** Random bytes of the host's for the guest's kernel. */
  readonly entropy: Uint8Array;
}

/** The things of a machine that no two may have the same, by the names that reports use. */
export const identityItems = [
  'random',
  'clock',
  'machine-id',
  'boot-id',
  'hostname',
  'hosts',
  'host-key',
  'login-key',
  'shares',
] as const;

export type IdentityItemName = (typeof identityItems)[number];

/** One item as it was proven. Values are for people: no private key is among them. */
export interface IdentityItem {
  readonly item: IdentityItemName;
  readonly wanted: string;
  readonly found: string;
  /** The template's, where it has one: a clone must not have it. */
  readonly template: string | undefined;
  /** How it was asked for: `agent`, `sshd`, `helper`. */
  readonly by: string;
  readonly isRight: boolean;
}

export interface IdentityReport {
  readonly items: readonly IdentityItem[];
}

/** What a template's running machine was, read before its memory was kept: its clones must be something else. */
export type IdentityBaseline = Readonly<Partial<Record<IdentityItemName, string>>>;

/** What is known of a machine's identity beside its record and its files. */
export interface KnownIdentity {
  /** Of the template that it came from; nothing is in it when it came from none. */
  readonly template: IdentityBaseline;
  readonly machineId?: string | undefined;
  /** Only for as long as the machine has not booted: the next boot has an id of the kernel's own. */
  readonly bootId?: string | undefined;
}
