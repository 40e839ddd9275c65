import type { Place } from './origin.ts';
import { formatPath, type Path, type Position } from './problem.ts';
import type { Written } from './written.ts';

/** Why a value is what it is. */
export type ValueOrigin =
  /** What CloneBox takes when nobody says anything. */
  | { readonly kind: 'default' }
  /** Of this computer or its user. */
  | { readonly kind: 'workstation' }
  | { readonly kind: 'command-line' }
  | ({ readonly kind: 'file'; readonly file: string } & Position)
  /** What would be written into the file that the project has not. */
  | ({ readonly kind: 'draft'; readonly file: string } & Position)
  /** `key` is what it is called in the file. */
  | ({ readonly kind: 'version-1'; readonly file: string; readonly key: string } & Position)
  | ({
      readonly kind: 'profile';
      readonly profile: string;
      readonly from: 'project' | 'user' | 'bundled';
      readonly file: string;
    } & Position);

/** One value of a configuration, by its key in the form `run.web.port` and `packages[0]`. */
export interface OriginatedValue {
  readonly key: string;
  readonly value: unknown;
  readonly origin: ValueOrigin;
}

/** The origin of a value that a text says. */
export function originAt({ file, line, column, profile, kind, path }: Place): ValueOrigin {
  const where = { file, line, column };
  if (kind === 'default') return { kind };
  if (profile) return { kind: 'profile', profile: profile.name, from: profile.from, ...where };
  return kind === 'version-1'
    ? { kind, ...where, key: formatPath(path) }
    : { kind: 'file', ...where };
}

/** Each value of a configuration, with its path. A command is one value, and so is what is empty. */
export function valuesOf(config: Written): { path: Path; value: unknown }[] {
  return below(config, []);
}

function below(value: unknown, path: Path): { path: Path; value: unknown }[] {
  const isCommand = path[0] === 'run' && path.length === 3 && path[2] === 'command';
  if (value === null || typeof value !== 'object' || isCommand) return [{ path, value }];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  if (entries.length === 0 && path.length > 0) return [{ path, value }];
  return entries.flatMap(([key, inner]) => below(inner, [...path, key]));
}
