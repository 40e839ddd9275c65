import { type Located, nameOf } from './convert.ts';
import { formatPath, type Path, type Position } from './problem.ts';
import type { UpgradeNote } from './v1/edit.ts';

/** A profile by its name, and where it was found. */
export interface ProfileSource {
  readonly name: string;
  readonly from: 'project' | 'user' | 'bundled';
  /** The file as problems name it. */
  readonly file: string;
}

/** Where a value stands. */
export interface Place extends Position {
  readonly file: string;
  /** What it is called there. */
  readonly path: Path;
  /** The profile that the file is. */
  readonly profile: ProfileSource | undefined;
  /** `version-1`: `path` is a key of that. `default`: no text says it. */
  readonly kind: 'text' | 'version-1' | 'default';
}

/** Where a configuration came from. */
export interface Origin {
  /** The project's file, or the profile's, as it was named. */
  readonly file: string;
  /** Where the value at a path stands; where there is none, the nearest thing around it. */
  readonly at: (path: Path) => Place;
  /** What became of the keys of a file of version 1; `undefined` of version 2. */
  readonly upgrade: readonly UpgradeNote[] | undefined;
}

interface TextOrigin {
  readonly file: string;
  readonly profile?: ProfileSource;
  readonly upgrade?: readonly UpgradeNote[] | undefined;
}

/** The origin of what was read from one text. */
export function originOf(data: Located, { file, profile, upgrade }: TextOrigin): Origin {
  const at = (path: Path): Place => {
    const name = nameOf(data.names, path);
    const isSame = name === path || formatPath(name) === formatPath(path);
    const kind = isSame ? 'text' : 'version-1';
    return { file, ...data.at(path), path: name, profile, kind };
  };
  return { file, at, upgrade };
}

/** The origin of what no text says. */
export function nowhere(file = 'configuration'): Origin {
  const start = { line: 1, column: 1 };
  const at = (path: Path): Place => ({ file, ...start, path, profile: undefined, kind: 'default' });
  return { file, at, upgrade: undefined };
}
