import type { Io } from './io.ts';
import type { VmName } from './name.ts';
import type { ProcessRef } from './process.ts';
import type { SharedPath } from './shared-path.ts';

/** How a machine boots: its own loader, or a kernel handed to it. */
export type BootSpec =
  | {
      readonly kind: 'direct';
      readonly kernel: string;
      readonly initrd: string;
      readonly commandLine: string;
    }
  | { readonly kind: 'firmware' };

export interface ShareSpec {
  /** Mount tag, `share0`…: also the slot in the device layout. */
  readonly tag: string;
  readonly host: SharedPath;
  readonly readOnly: boolean;
  readonly driver: '9p' | 'virtiofs';
}

/** A host port on 127.0.0.1 and the guest port behind it. */
export interface PortForward {
  readonly host: number;
  readonly guest: number;
}

export interface NetworkSpec {
  readonly mac: string;
  readonly forwards: readonly PortForward[];
  /**
   * Whether the guest reaches anything: `open`, `closed` from the first moment (forwards lead in all the same), or
   * `closable`: open until `Driver.closeNetwork`. Drivers without that method are only ever asked for `open`. `later`: it
   * leads nowhere, neither out nor in, until `Driver.memory.adopt`.
   */
  readonly egress: 'open' | 'closable' | 'closed' | 'later';
}

/** The memory of a machine that was kept, as the two files that `Driver.memory` wrote. */
export interface KeptMemory {
  /** All of its RAM, sparse: as large as the machine's memory. */
  readonly ram: string;
  /** The state of its processors and devices. */
  readonly state: string;
}

/** A part of a file, in bytes. */
export interface Extent {
  readonly from: number;
  readonly length: number;
}

/**
 * `own`: a machine has its memory for itself, as after a boot. `shared`: it maps the kept RAM copy-on-write, and only
 * what it changes is its own.
 */
export type MemoryMode = 'own' | 'shared';

/** Everything a driver needs to know of a machine: bytes and absolute paths, nothing of the user's YAML. */
export interface MachineSpec {
  readonly name: VmName;
  readonly uuid: string;
  /** Version of the device layout (docs/internals.md); a driver keeps every version it ever made. */
  readonly layout: number;
  /** The hypervisor's own versioned machine type, fixed at creation. */
  readonly machine: string;
  readonly accel: 'auto' | 'kvm' | 'tcg';
  readonly cpus: number;
  readonly memory: number;
  readonly disk: string;
  /** Seed medium to attach, if any. */
  readonly seed: string | undefined;
  readonly boot: BootSpec;
  readonly shares: readonly ShareSpec[];
  readonly network: NetworkSpec;
  readonly serialLog: string;
  /**
   * Go on from this memory instead of booting. Processors, memory, devices and disk size must be those of the machine
   * that it was kept of, its disk an overlay of that one's. Drivers without `memory` are never asked to.
   */
  readonly resume?: KeptMemory & { readonly mode: MemoryMode };
  /**
   * Its memory will be kept: it boots with no device by which a guest gives memory back, as every machine that goes on
   * from a kept memory has none. Of one that maps its memory copy-on-write, the guest would make holes in the kept file.
   */
  readonly keepable?: true;
}

export interface DiskSpec {
  readonly path: string;
  /** Immutable base image below the new disk; `undefined` makes an empty disk. */
  readonly base: string | undefined;
  readonly size: number;
}

/** What a machine is, read from the truth at the moment of asking. */
export type MachineState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting'; readonly process: ProcessRef }
  | { readonly kind: 'running'; readonly process: ProcessRef; readonly uptimeSeconds: number }
  | { readonly kind: 'paused'; readonly process: ProcessRef }
  | { readonly kind: 'broken'; readonly reason: string };

export interface AccelChoice {
  readonly accel: 'kvm' | 'tcg';
  readonly reason: string;
}

export interface NetworkChoice {
  readonly backend: string;
  /** True when the guest cannot reach services on the host's loopback. */
  readonly hostIsolated: boolean;
  /** `closed`: nothing that the guest sends leaves the network between it and this process. */
  readonly egress: 'open' | 'closed';
  readonly reason: string;
}

/** What this host offers a driver. `problems` are reasons why nothing can be started here. */
export interface DriverFacts {
  readonly driver: string;
  readonly version: string | undefined;
  /** All that the hypervisor says of its version, the distribution's too. */
  readonly build: string | undefined;
  readonly machine: string | undefined;
  readonly layout: number;
  readonly accel: AccelChoice;
  readonly network: NetworkChoice;
  readonly shares: {
    readonly driver: '9p' | 'virtiofs';
    readonly reason: string;
    /** True when that driver can keep a share read-only here. */
    readonly readOnly: boolean;
  };
  readonly problems: readonly { readonly what: string; readonly fix: string }[];
}

/** A started machine: what it really runs with. */
export interface Started {
  readonly process: ProcessRef;
  readonly accel: AccelChoice;
  readonly network: NetworkChoice;
  readonly shareDriver: '9p' | 'virtiofs' | undefined;
  /** How its memory is held when it went on from one that was kept; `undefined` when it booted. */
  readonly resumed?: MemoryMode | undefined;
}

/** How to reach the guest's channels of a running machine, as socket paths. */
export interface Channels {
  readonly agent: string;
  readonly console: string;
  /** CloneBox's own helper in the guest, where there is one. */
  readonly helper: string;
}

export interface MachineUsage {
  /**
   * Bytes only this machine uses, and bytes it shares with others. What it maps of a kept memory and has not changed is
   * shared, also when it is the only one that does.
   */
  readonly memory: { readonly private: number; readonly shared: number } | undefined;
}

/**
 * A hypervisor. All methods may be called again after any crash: `create` finds what it made,
 * `start` of a running machine and `stop` of a stopped one do nothing, `remove` of nothing is done.
 */
export interface Driver {
  readonly name: string;
  preflight(io: Io): Promise<DriverFacts>;
  /** Makes the disk. Fails with `conflict` if the file exists; leaves nothing on failure. */
  create(disk: DiskSpec, io: Io): Promise<void>;
  /** Makes a stopped machine's disk at least this many bytes; never smaller. */
  grow(path: string, size: number, io: Io): Promise<void>;
  /** Bytes the disk takes on this host, and the bytes its guest sees. */
  measure(path: string, io: Io): Promise<{ allocated: number; virtual: number }>;
  /** Starts the machine and returns once its processor runs. Leaves no process on failure. `conflict` when a port was taken meanwhile. */
  start(spec: MachineSpec, io: Io): Promise<Started>;
  /** Asks the guest to power off, waits `grace` milliseconds, then pulls the plug. Returns what it took. */
  stop(
    name: VmName,
    io: Io,
    options: { grace: number },
  ): Promise<'graceful' | 'forced' | 'was-stopped'>;
  /**
   * Takes the seed medium out of a running machine: nothing has that file open any more. May be repeated; one that does
   * not run is left as it is.
   */
  ejectSeed(name: VmName, io: Io): Promise<void>;
  /** Removes what the driver keeps outside the VM's own directory (runtime files, helpers). */
  remove(name: VmName, io: Io): Promise<void>;
  /**
   * Closes the network of a running machine that was started `closable`, for good: what the guest had open dies, its
   * forwards lead in again when this returns. A closed one is left as it is. When it fails, the machine is no use: it is
   * cut off from everything, or open still; `conflict` with `facts.ports` when a port was taken meanwhile. A driver
   * without it cannot close.
   */
  closeNetwork?(spec: MachineSpec, io: Io): Promise<Started>;
  /** Keeping the memory of machines and going on from it (`MachineSpec.resume`). A driver without it only boots. */
  readonly memory?: {
    /**
     * Pauses a running machine, started `keepable`, for good and writes its memory into these files, which must not be
     * there (`conflict`). Nothing that blocks it may be mounted. Fails with `hypervisor-failed` and the hypervisor's
     * reason, and removes what it wrote; the machine runs on or is paused then, and is to be stopped either way.
     */
    keep(name: VmName, into: KeptMemory, io: Io): Promise<void>;
    /**
     * From now on what the guest of a running machine frees goes back to the host, unless it shares a kept memory; its
     * memory cannot be kept again. May be repeated; one that does not run is left as it is.
     */
    giveBack(name: VmName, io: Io): Promise<void>;
    /**
     * Halts the processors of a running machine until `adopt`: nothing in it runs, and nothing of it writes to a share. May
     * be repeated. `hypervisor-failed` when the machine is gone.
     */
    hold(name: VmName, io: Io): Promise<void>;
    /** The parts of a kept RAM in which there is anything, in their order and without neighbours; all others are zero. */
    written(ram: string, io: Io): Promise<readonly Extent[]>;
    /**
     * Gives a running machine, started with `egress: 'later'` under the name `from`, the name and the network of `spec`,
     * the rest of which is what it was started with. May be repeated after a failure. `conflict` with `facts.ports` when a
     * port was taken meanwhile; `hypervisor-failed` when the machine is gone. Nothing is left of the other name.
     */
    adopt(from: VmName, spec: MachineSpec, io: Io): Promise<Started>;
    /** Whether a running machine has these very directories open to share them, and not ones that were there before. */
    holds(name: VmName, directories: readonly SharedPath[]): Promise<boolean>;
    /**
     * What must be the same for a kept memory to be gone on from, as text: build and machine type of the hypervisor,
     * device layout, accelerator and what processor that gives to a guest. Those of `facts`.
     */
    identity(facts: DriverFacts): Promise<string>;
  };
  inspect(name: VmName, io: Io): Promise<MachineState>;
  /** What a running machine was started with, or `undefined`. */
  running(name: VmName): Promise<Started | undefined>;
  usage(name: VmName): Promise<MachineUsage>;
  channels(name: VmName): Channels;
}
