import type { AuditEntry } from './audit.ts';
import type { ReachedDirectory } from './file-facts.ts';
import type { Io } from './io.ts';
import type { VmName } from './name.ts';
import type { Lease, VmRecord } from './record.ts';

/** Where everything is (docs/internals.md). Absolute paths. */
export interface Paths {
  readonly home: string;
  readonly vms: string;
  readonly trash: string;
  readonly journal: string;
  readonly leases: string;
  readonly trust: string;
  readonly shared: string;
  /** What the user says of the providers of secrets, for all projects. */
  readonly secretSettings: string;
  /** The user's own profiles. */
  readonly profiles: string;
  readonly logFile: string;
  readonly backgroundLog: string;
  readonly auditFile: string;
  readonly locks: string;
  readonly cache: string;
  readonly images: string;
  readonly templates: string;
  readonly downloads: string;
  readonly runtime: string;
  vm(name: VmName): VmPaths;
  /** Sockets and pid files of a running VM: short, below `runtime`. */
  runtimeOf(name: VmName): string;
}

export interface VmPaths {
  readonly directory: string;
  readonly record: string;
  readonly disk: string;
  readonly seed: string;
  readonly key: string;
  readonly publicKey: string;
  /** Where the next key is made before it takes the place of `key`. */
  readonly nextKey: string;
  readonly hostKey: string;
  readonly knownHosts: string;
  readonly serialLog: string;
}

/** How to take back a step, as data, so that a later process can do it. Handlers are registered in `context.ts`. */
export type Undo =
  | { readonly kind: 'remove-path'; readonly path: string }
  /** Temporary files that a writer which died left in a directory of the user's. */
  | { readonly kind: 'sweep-drafts'; readonly directory: string }
  | { readonly kind: 'stop-machine'; readonly driver: string; readonly name: VmName }
  | { readonly kind: 'release-leases'; readonly name: VmName }
  /** The ports of a VM as its record has them: no lease and no forward more. */
  | { readonly kind: 'sync-ports'; readonly name: VmName }
  /** Into the guest comes the key that is in its place, and no other of the VM's. */
  | { readonly kind: 'sync-keys'; readonly name: VmName }
  /** A password that waits in the guest goes. */
  | { readonly kind: 'drop-password'; readonly name: VmName }
  /** What builders of images left that are gone. */
  | { readonly kind: 'sweep-images' }
  /** What builders of templates left that are gone. */
  | { readonly kind: 'sweep-templates' };

/** How to bring to its end what is decided, as data: it goes forward only, and may be done again. */
export type Finish =
  | { readonly kind: 'write-record'; readonly record: VmRecord }
  | {
      readonly kind: 'stop-machine';
      readonly driver: string;
      readonly name: VmName;
      /** Milliseconds the guest gets to power off by itself. */
      readonly grace: number;
    }
  | {
      readonly kind: 'trash-vm';
      readonly driver: string;
      readonly name: VmName;
      readonly to: string;
    }
  | { readonly kind: 'purge-vm'; readonly driver: string; readonly name: VmName }
  | { readonly kind: 'end-member'; readonly driver: string; readonly name: VmName }
  | { readonly kind: 'restore-vm'; readonly name: VmName; readonly from: string }
  /** The key that was made takes the place of the old one, which is let in no more. */
  | { readonly kind: 'rotate-key'; readonly name: VmName }
  /** The password that waits in the guest becomes the user's. */
  | ({ readonly kind: 'set-password'; readonly name: VmName } & PasswordOwner)
  | ({ readonly kind: 'swap-vm'; readonly driver: string } & Swap);

/** Whose a password is that waits in the guest. */
export interface PasswordOwner {
  readonly user: string;
  /** It must be changed at the first login with it. */
  readonly expire: boolean;
}

/** Puts the VM that was built beside another in its place; the old one goes to the trash. */
export interface Swap {
  readonly name: VmName;
  /** The name it was built under. */
  readonly beside: VmName;
  /** What the new one is from then on. */
  readonly record: VmRecord;
  /** Where in the trash the old one goes. */
  readonly to: string;
}

/** What an operation is, for its journal and for the line of the audit log that a crash would keep it from writing. */
export type OperationFacts = Pick<
  AuditEntry,
  'id' | 'event' | 'actor' | 'target' | 'correlation' | 'parent' | 'details'
>;

/** How an operation ended. */
export interface Ending {
  readonly outcome: AuditEntry['outcome'];
  readonly error: AuditEntry['error'];
}

/**
 * A running operation's journal: each step is on disk, with its undo, before it is done. Nothing is on disk before the
 * first one.
 */
export interface Journal {
  readonly id: string;
  /** Writes and syncs the undo, then runs the step. */
  step<T>(title: string, undo: Undo, action: () => Promise<T>): Promise<T>;
  /**
   * Decides: writes and syncs how the operation is brought to its end, then does it. From here on nothing is undone;
   * if `action` fails or the process dies, the next command on the VM finishes it.
   */
  finish<T>(title: string, finish: Finish, action: () => Promise<T>): Promise<T>;
  /** Everything is done: nothing will be undone. May be repeated. */
  commit(): Promise<void>;
  /** Undoes all steps, last first, unless it was decided or committed. Returns what is not in order. */
  rollback(io: Io): Promise<readonly string[]>;
  /** Forgets an ended journal, once its operation stands in the audit log. */
  close(): Promise<void>;
}

export interface UnfinishedOperation {
  readonly id: string;
  /** Its event, such as `vm.create`. */
  readonly operation: string;
  readonly vm: VmName | null;
  readonly lastStep: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  /** What recovery does: take back what was made, or bring to its end what was decided. */
  readonly way: 'undo' | 'finish';
}

/** A VM in the trash. */
export interface TrashEntry {
  readonly name: VmName;
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly deleted: number;
}

/** A project and what was confirmed that it may reach outside its directory, as a digest. */
export interface TrustEntry {
  readonly project: string;
  readonly digest: string;
}

/** What the disk of a VM stands on. Of a damaged record every digest in it counts, as an image's or a template's. */
export interface Foundation {
  readonly name: string;
  readonly digest: string;
  readonly template?: { readonly key: string; readonly warm?: string | undefined } | undefined;
}

/** What is on disk about VMs. */
export interface Store {
  readonly paths: Paths;
  /** The record, `undefined` when there is none. Fails with `conflict` when it cannot be read. */
  read(name: VmName): Promise<VmRecord | undefined>;
  write(record: VmRecord): Promise<void>;
  names(): Promise<VmName[]>;
  /** The machines of the pool, also those of which only a lock file is left. */
  members(): Promise<VmName[]>;
  /** Removes everything of a machine of the pool that does not run under its name (any more). Call it with its lock. */
  forgetMember(name: VmName): Promise<void>;
  /** The base image, and the template, under every VM, those in the trash included (as `trash/NAME-TIME`). */
  imageDigests(): Promise<Foundation[]>;
  /** Holds the VM's lock for the length of `action`; `conflict` at once when another process has it. */
  withLock<T>(name: VmName, io: Io, action: () => Promise<T>): Promise<T>;
  isLocked(name: VmName): Promise<boolean>;
  /** Leases host ports, host-wide; a taken preferred port gives the next free one. */
  lease(
    name: VmName,
    wanted: readonly { name: string; guest: number; host: number | undefined }[],
    io: Io,
  ): Promise<Lease[]>;
  /** Gives back the ports of a VM, all of them or those named by guest port. */
  release(name: VmName, io: Io, guestPorts?: readonly number[]): Promise<void>;
  /** The journal of an operation. Fails with `conflict` while an earlier one of this VM is neither undone nor finished. */
  beginJournal(facts: OperationFacts, vm?: VmName): Promise<Journal>;
  /** Operations that a crash left, whose process is gone; of one VM or of all. */
  unfinished(vm?: VmName): Promise<UnfinishedOperation[]>;
  /**
   * Undoes or finishes what a crash left of this VM, with the VM's lock held; or, of `undefined`, what it left of no VM.
   * Each such operation gets its line in the audit log.
   */
  recover(vm: VmName | undefined, io: Io): Promise<readonly UnfinishedOperation[]>;
  /** Drops what cannot be undone of a VM that is about to go for good. */
  forget(vm: VmName): Promise<void>;
  /** Makes the leases of a VM those of its record. */
  syncLeases(name: VmName, io: Io): Promise<void>;
  /** True when exactly this was confirmed for the project before. */
  isTrusted(entry: TrustEntry): Promise<boolean>;
  rememberTrust(entry: TrustEntry, io: Io): Promise<void>;
  /** Remembers directories that guests write to from now on, for longer than their VMs are there. May be repeated. */
  rememberShared(directories: readonly ReachedDirectory[], io: Io): Promise<void>;
  /** Whether a guest could ever write to a directory, its VM there or not, by its path or wherever it was moved. */
  wasShared(): Promise<(directory: ReachedDirectory) => boolean>;
  /** Where in the trash a VM would go now; unique. */
  trashPlace(name: VmName): string;
  /** Moves a VM's directory to that place of the trash and frees its ports. May be repeated. */
  trash(name: VmName, place: string): Promise<void>;
  /** VMs in the trash, oldest first. */
  listTrash(): Promise<TrashEntry[]>;
  /** Moves a VM back from the trash and takes those of its ports that are still free. May be repeated. */
  restore(name: VmName, place: string, io: Io): Promise<void>;
  /** Both machines must be stopped. May be repeated. */
  swap(swap: Swap, io: Io): Promise<void>;
  /** Empties the trash of everything older than `age` milliseconds. */
  emptyTrash(age: number): Promise<number>;
  /** Records that this VM is gone for good: directory, lock, trash entries. */
  purge(name: VmName): Promise<void>;
}
