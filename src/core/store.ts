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
  readonly logFile: string;
  readonly auditFile: string;
  readonly locks: string;
  readonly cache: string;
  readonly images: string;
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
  readonly hostKey: string;
  readonly knownHosts: string;
  readonly serialLog: string;
}

/** How to take back a step, as data, so that a later process can do it. Handlers are registered in `context.ts`. */
export type Undo =
  | { readonly kind: 'remove-path'; readonly path: string }
  | { readonly kind: 'stop-machine'; readonly driver: string; readonly name: VmName }
  | { readonly kind: 'release-leases'; readonly name: VmName }
  | { readonly kind: 'restore-vm'; readonly from: string; readonly name: VmName };

/** A running operation's journal: each step is on disk, with its undo, before it is done. */
export interface Journal {
  readonly id: string;
  /** Writes and syncs the undo, then runs the step. */
  step<T>(title: string, undo: Undo, action: () => Promise<T>): Promise<T>;
  /** Everything is done: nothing will be undone. */
  commit(): Promise<void>;
  /** Undoes all steps, last first. Returns what could not be undone. */
  rollback(io: Io): Promise<readonly string[]>;
}

export interface UnfinishedOperation {
  readonly id: string;
  readonly operation: string;
  readonly vm: VmName;
  readonly lastStep: string;
}

/** What is on disk about VMs. */
export interface Store {
  readonly paths: Paths;
  /** The record, `undefined` when there is none. Fails with `conflict` when it cannot be read. */
  read(name: VmName): Promise<VmRecord | undefined>;
  write(record: VmRecord): Promise<void>;
  names(): Promise<VmName[]>;
  /** The base image under every VM, those in the trash included (as `trash/NAME-TIME`). */
  imageDigests(): Promise<{ name: string; digest: string }[]>;
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
  beginJournal(operation: string, vm: VmName): Promise<Journal>;
  /** Operations that a crash left, whose process is gone. */
  unfinished(vm?: VmName): Promise<UnfinishedOperation[]>;
  /** Undoes what a crash left of this VM. Must be called with the VM's lock held. */
  recover(vm: VmName, io: Io): Promise<readonly UnfinishedOperation[]>;
  /** Where in the trash a VM would go now; unique. */
  trashPlace(name: VmName): string;
  /** Moves a VM's directory to that place of the trash and frees its ports. */
  trash(name: VmName, place: string): Promise<void>;
  /** Empties the trash of everything older than `age` milliseconds. */
  emptyTrash(age: number): Promise<number>;
  /** Records that this VM is gone for good: directory, lock, trash entries. */
  purge(name: VmName): Promise<void>;
}
