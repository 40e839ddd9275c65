import type { Finding, PlannedPackage } from '../core/plan.ts';

/** A long-running command that a manifest declares. */
export interface ManifestRun {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  readonly finding: Finding;
}

/** What the plainest files of a project say it needs, and what of them was not understood. */
export interface Manifests {
  readonly packages: readonly PlannedPackage[];
  readonly run: readonly ManifestRun[];
  readonly notes: readonly string[];
}

/** Packages of the distribution, for one reason. */
export function packagesFor(names: readonly string[], finding: Finding): PlannedPackage[] {
  return names.map((name) => ({ name, version: undefined, finding }));
}
