import { sha256 } from '../lib/sha256.ts';
import type { BootSpec, Extent, KeptMemory } from './driver.ts';
import type { IdentityBaseline } from './identity.ts';
import type { Io } from './io.ts';
import type { GuestUser, ProvisionStep } from './plan.ts';

/** Everything that shapes the disk of a template, and nothing else (docs/templates.md). */
export interface TemplateInputs {
  /** Digest of what CloneBox itself does to a template. */
  readonly recipe: string;
  /** Digest of the base image. */
  readonly image: string;
  /** `NAME` or `NAME=VERSION`, sorted; so are the other lists. */
  readonly packages: readonly string[];
  readonly snaps: readonly string[];
  readonly services: readonly string[];
  readonly provision: readonly ProvisionStep[];
  /** Digests of the values that the steps could read; empty without steps. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user: GuestUser;
  readonly timeZone: string;
  readonly locale: string;
  /** Digests of the certificates of this workstation, by name. */
  readonly certificates: Readonly<Record<string, string>>;
}

/** What shapes the memory of a template beside its disk. */
export interface WarmShape {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly disk: number;
  readonly machine: string;
  readonly layout: number;
  /** Units that go on running in a clone as they were kept. */
  readonly resident: readonly string[];
  /** `Driver.memory.identity`: version, accelerator, processor. */
  readonly hypervisor: string;
}

/** A template whose memory was kept: clones go on from it. */
export interface WarmState {
  /** Name of its directory: `shapeKey` of its shape, and a part of its own. */
  readonly key: string;
  readonly shape: WarmShape;
  readonly memory: KeptMemory;
  /** The disk as it was when the memory was kept: an overlay of the template's. */
  readonly disk: string;
  readonly baseline: IdentityBaseline;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Bytes allocated by its files. */
  readonly size: number;
}

/** A provisioned disk, immutable, and the memories kept of machines on it. */
export interface Template {
  /** `templateKey` of its inputs: the name of its directory. */
  readonly key: string;
  readonly inputs: TemplateInputs;
  readonly disk: string;
  readonly image: {
    readonly reference: string;
    readonly digest: string;
    readonly boot: BootSpec;
  };
  readonly created: string;
  /** When a VM was last made from it. */
  readonly lastUsed: string;
  /** Bytes allocated by its disk. */
  readonly size: number;
  readonly warm: readonly WarmState[];
}

/** Where a template is being made. */
export interface TemplateBuilding {
  readonly directory: string;
  readonly disk: string;
  readonly memory: KeptMemory;
}

/** A memory that was kept. */
export interface Kept {
  /** What its machine was. */
  readonly baseline: IdentityBaseline;
  /** Where there is anything in its RAM. */
  readonly written: readonly Extent[];
}

/** The cache of templates. Two processes asking for one key make it once; the second waits and says so. */
export interface Templates {
  /** All of them, the last used first. */
  list(): Promise<Template[]>;
  /** By its key or the beginning of it. Fails with `usage` when several begin so. */
  find(key: string): Promise<Template | undefined>;
  /** The template of these inputs, made by `make` when there is none. On failure nothing of it is left. */
  ensure(
    draft: Pick<Template, 'inputs' | 'image'>,
    io: Io,
    make: (building: TemplateBuilding) => Promise<void>,
  ): Promise<{ template: Template; made: boolean }>;
  /** As `ensure`, the memory of a template in this shape. */
  ensureWarm(
    template: Template,
    shape: WarmShape,
    options: {
      readonly io: Io;
      readonly make: (building: TemplateBuilding) => Promise<Kept>;
    },
  ): Promise<{ warm: WarmState; made: boolean }>;
  /**
   * Why files of a template are not those that were stored, or `undefined` when they are: by size and time when they
   * were digested before, by digest otherwise.
   */
  damage(template: Template, warm: WarmState | undefined, io: Io): Promise<string | undefined>;
  /** Takes a kept memory out of use, because it is damaged; VMs that stand on its disk go on. */
  discardWarm(template: Template, warm: WarmState, io: Io): Promise<void>;
  /** Notes that a VM was made from it now. */
  touch(template: Template): Promise<void>;
  /**
   * Removes templates that are not `inUse` (keys of templates), kept memories that are not in it (`KEY/SHAPE`), and
   * what builders left that died. `only` limits it to some. What another process is making stays. `inUse` is asked
   * again once something is out of the way, and what came into use meanwhile is put back: who begins to use something
   * writes it down, and looks for it after that.
   */
  prune(
    inUse: () => Promise<ReadonlySet<string>>,
    io: Io,
    options: { readonly only: (template: Template, warm: WarmState | undefined) => boolean },
  ): Promise<{ removed: string[]; freed: number }>;
  /** Removes what builders left that died. */
  sweep(io: Io): Promise<void>;
}

/** On the kernel's command line of a machine whose memory is kept: nothing of one machine alone is to be made in it. */
export const keepingMark = 'clonebox.keeping';

/**
 * The address of the network card in every template's memory, and so of each machine that goes on from one. Each card is
 * alone behind its VM's own network. A hypervisor that announced another one would send a network's answers there.
 */
export const templateMac = '52:54:00:00:00:01';

/** The name of a template: the digest of what shapes it. */
export function templateKey(inputs: TemplateInputs): string {
  return sha256(canonical(inputs));
}

/** The name of a kept memory among those of its template. */
export function shapeKey(shape: WarmShape): string {
  return sha256(canonical(shape)).slice(0, 16);
}

/** As much of a key as people see and type. */
export function shortKey(key: string): string {
  return key.slice(0, 12);
}

/** JSON with its keys in order: the same for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
