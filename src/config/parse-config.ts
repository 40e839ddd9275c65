import type * as z from 'zod';
import { type Fault, type Located, nameOf } from './convert.ts';
import { crossCheck } from './cross-check.ts';
import { type Description, describeIssue } from './describe-issue.ts';
import { readDocument } from './document.ts';
import { formatPath, invalidConfig, type Path, type Position, type Problem } from './problem.ts';
import { configSchema } from './schema.ts';
import { isTextAt } from './schema-tree.ts';
import type { UpgradeNote } from './v1/edit.ts';

/** Where the text of a configuration came from: the file as it was named, and the place of every value in it. */
export interface Origin {
  readonly file: string;
  readonly places: Readonly<Record<string, Position>>;
  /** What values are called in the file, where that is not their key: it is of version 1. */
  readonly names: ReadonlyMap<string, Path>;
  /** What became of the keys of a file of version 1; `undefined` of version 2. */
  readonly upgrade: readonly UpgradeNote[] | undefined;
}

/** A validated configuration: what the user wrote, without defaults. */
export type Config = z.output<typeof configSchema> & { readonly origin?: Origin };

/**
 * Reads and validates the text of a `.clonebox.yaml`. Fails with `config-invalid`, which lists every problem as
 * `file:line:col path message` under the name `file`, and holds them in `facts.problems`.
 */
export function parseConfig(text: string, file: string): Config {
  const { data, faults, notes } = readDocument(text, (path) => isTextAt(configSchema, path));
  if (!data) throw invalidConfig(faults.map((fault) => problemOfFault(fault, file)));
  const { problems, config } = validate(data, file);
  // What could not be read is told once, and not also as a value of the wrong kind.
  const unread = (problem: Problem) =>
    faults.some((fault) => fault.line === problem.line && fault.column === problem.column);
  const all = [
    ...faults.map((fault) => problemOfFault(fault, file)),
    ...problems.filter((problem) => !unread(problem)),
  ];
  if (all.length > 0 || !config) throw invalidConfig(all);
  const { names } = data;
  const places = Object.fromEntries(data.places);
  return { ...config, origin: { file, places, names, upgrade: notes } };
}

function validate(data: Located, file: string): { problems: Problem[]; config?: Config } {
  const problemOf = ({ path, key, message, hint }: Description): Problem => ({
    ...{ file, ...(key ? data.keyAt(path) : data.at(path)) },
    ...{ path: formatPath(nameOf(data.names, path)), message },
    ...(hint ? { hint } : {}),
  });
  const root = data.value;
  if (root === null || typeof root !== 'object' || Array.isArray(root)) {
    return { problems: [{ file, ...data.at([]), path: '', message: 'must be a mapping of keys' }] };
  }
  const result = configSchema.safeParse(root);
  if (result.success) {
    const problems = crossCheck(result.data).map(problemOf);
    return problems.length > 0 ? { problems } : { problems, config: result.data };
  }
  const { issues } = result.error;
  // Another version has other keys: to list them all as unknown would hide the one true reason.
  const version = issues.filter((issue) => issue.path[0] === 'version' && 'version' in root);
  const told = version.length > 0 ? version : issues;
  return {
    problems: told.flatMap((issue) =>
      describeIssue(issue, valueAt(root, issue.path), configSchema).map(problemOf),
    ),
  };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((inner: unknown, step) => {
    if (inner === null || typeof inner !== 'object') return undefined;
    return Object.hasOwn(inner, step) ? (inner as Record<PropertyKey, unknown>)[step] : undefined;
  }, value);
}

function problemOfFault({ path, line, column, message }: Fault, file: string): Problem {
  return { file, line, column, path: formatPath(path as Path), message };
}
