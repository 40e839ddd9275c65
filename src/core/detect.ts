import type { Finding } from './plan.ts';

/** What `detect` can be asked for: one word each, in the order of its output. */
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

/** Where detectors look. All paths they name are the machine's own, without `root`. */
export interface Scope {
  /** Put before every path of the file system: empty on the machine itself, a directory in tests. */
  readonly root: string;
  readonly home: string;
  /** The project in question, absolute and free of links. */
  readonly project: string | undefined;
}

/** Something a project needs from the machine it runs on. */
export interface Need {
  /** What it is, whatever installs it: `node`, `postgresql`, `make`. */
  readonly name: string;
  /** As the project asks for it: `>=20`, `3.11`, `1.22.4`. */
  readonly version: string | undefined;
  /** Who installs it in the guest: the distribution, or a provisioning step with this installer. */
  readonly via: 'apt' | 'snap' | 'installer';
  /** The package, or the installer. */
  readonly package: string;
  readonly finding: Finding;
}
