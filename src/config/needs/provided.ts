import type { NeededRun, NeededSetup } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import type { Release } from './release.ts';

/** Something of the configuration, and why it is there. */
interface Because {
  readonly finding: Finding;
}

/** A package of the guest's distribution. */
export interface GuestPackage extends Because {
  readonly name: string;
  /** The tool or service it is there for, and the version that the distribution has of it. */
  readonly need: string;
  readonly version: string | undefined;
}

/** A systemd unit to enable and start. */
export interface GuestService extends Because {
  readonly name: string;
}

/** A command line, run as root when the guest is made. */
export interface GuestStep extends Because {
  readonly run: string;
}

export interface GuestPort extends Because {
  readonly port: number;
}

/** What a guest must have for a project: the parts of its first configuration. */
export interface GuestNeeds {
  readonly packages: readonly GuestPackage[];
  readonly services: readonly GuestService[];
  readonly steps: readonly GuestStep[];
  readonly run: readonly NeededRun[];
  readonly setup: readonly NeededSetup[];
  /** Ports of programs that nothing here starts: told, and not published, since a published port has to answer. */
  readonly idlePorts: readonly GuestPort[];
  readonly notes: readonly string[];
}

/** One part of it: of a tool, or of a service. */
export interface Provided {
  readonly packages: readonly GuestPackage[];
  readonly services: readonly GuestService[];
  readonly steps: readonly GuestStep[];
  readonly notes: readonly string[];
}

export interface GuestFacts {
  /** The guest's distribution; `undefined` when nobody knows what is in the image. */
  readonly release: Release | undefined;
  /** Versions that this workstation has, by tool: of two that will do, the guest gets the same. */
  readonly workstation: ReadonlyMap<string, string>;
}
