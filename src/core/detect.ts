import type { Host } from './host.ts';
import type { Io } from './io.ts';
import type { ProjectNeeds } from './needs.ts';
import type { Finding } from './plan.ts';
import type { SharedPath } from './shared-path.ts';

/** What can be asked about a workstation, in the order in which it is shown. */
export const detectAreas = [
  'services',
  'applications',
  'packages',
  'projects',
  'languages',
  'ports',
  'containers',
  'paths',
  'hardware',
  'user',
] as const;

export type DetectArea = (typeof detectAreas)[number];

/** One thing that was found, and how it came to be known. */
interface Found {
  readonly name: string;
  readonly finding: Finding;
}

export interface FoundService extends Found {
  readonly unit: string;
  readonly running: boolean;
  /** Started at boot; `null` where nothing says so. */
  readonly enabled: boolean | null;
  /** The package that owns the unit or the program. */
  readonly package: string | null;
  readonly ports: readonly number[];
}

/** Running programs of one executable. Their command lines may hold secrets and are not kept. */
export interface FoundApplication extends Found {
  readonly executable: string;
  /** Who put it there: a package manager and its package, or `null`. */
  readonly owner: {
    readonly kind: 'apt' | 'rpm' | 'snap' | 'flatpak';
    readonly name: string;
  } | null;
  readonly processes: number;
  /** Resident bytes of all of them. */
  readonly memory: number;
}

export interface FoundPackage extends Found {
  readonly version: string;
  readonly manager: 'apt' | 'rpm' | 'snap' | 'flatpak';
}

/** A directory with a project in it. */
export interface FoundProject extends Found {
  readonly path: string;
  /** By their own names: Node.js, Python, Go. */
  readonly ecosystems: readonly string[];
  /** Only of the project asked about. */
  readonly needs: ProjectNeeds | null;
}

/** A toolchain that is installed. */
export interface FoundLanguage extends Found {
  readonly version: string;
  readonly path: string;
  /** What installed it: apt, nvm, pyenv, rustup, sdkman, asdf. */
  readonly manager: string;
  /** The one that a new shell would run. */
  readonly current: boolean;
}

export interface FoundPort extends Found {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** Where it listens: `127.0.0.1`, `::`. */
  readonly addresses: readonly string[];
  readonly process: string | null;
}

export interface FoundContainer extends Found {
  readonly engine: 'podman' | 'docker';
  readonly image: string;
  readonly state: string;
  readonly ports: readonly { readonly host: number | null; readonly container: number }[];
  /** The compose project it is a part of. */
  readonly project: string | null;
}

/** Settings and data of the user's programs. */
export interface FoundPath extends Found {
  readonly path: string;
  readonly kind: 'shell' | 'editor' | 'git' | 'settings' | 'application data';
  /** Bytes below it; `null` when that was too much to count. */
  readonly bytes: number | null;
  /** Why it is never given to a guest unless it is named, or `null`. */
  readonly sensitive: string | null;
}

/** A fact of the machine or of its user: what it is called and its value. */
export interface FoundFact extends Found {
  readonly value: string;
}

export interface DetectItems {
  readonly services: FoundService;
  readonly applications: FoundApplication;
  readonly packages: FoundPackage;
  readonly projects: FoundProject;
  readonly languages: FoundLanguage;
  readonly ports: FoundPort;
  readonly containers: FoundContainer;
  readonly paths: FoundPath;
  readonly hardware: FoundFact;
  readonly user: FoundFact;
}

/** Where to look. `root` is before every path of the system, so that another one can be looked at: `/` is this one. */
export interface DetectScope {
  readonly root: string;
  readonly home: string;
  /** The project that the user is in, absolute and free of links. */
  readonly project: SharedPath | undefined;
}

export interface Detector<Area extends DetectArea = DetectArea> {
  readonly area: Area;
  readonly summary: string;
  /**
   * Looks, and changes nothing. What cannot be read is left out with a note; throws when there is nothing to be said at
   * all. `io.signal` is aborted at the deadline.
   */
  detect(input: DetectInput): Promise<readonly DetectItems[Area][]>;
}

export interface DetectInput {
  readonly host: Host;
  /** The same object for all detectors of a call, and in no other call. */
  readonly scope: DetectScope;
  readonly io: Io;
  /** How much longer than usual everything may take: a slow machine was given more time. */
  readonly pace: number;
  /** Notes what could not be looked at: a directory that may not be read, a program that failed. */
  note(reason: string): void;
}

/** What was found, by area; only those asked for. */
export interface DetectReport {
  readonly found: { readonly [Area in DetectArea]?: readonly DetectItems[Area][] };
  /** What could not be looked at, and why: a detector that failed or took too long is one of them. */
  readonly problems: readonly { readonly area: DetectArea; readonly reason: string }[];
  readonly milliseconds: { readonly [Area in DetectArea]?: number };
}
