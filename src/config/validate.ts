import type * as z from 'zod';
import { type Located, nameOf, type TextDocument } from './convert.ts';
import { type Description, describeIssue } from './describe-issue.ts';
import { formatPath, type Path, type Problem } from './problem.ts';

/** A text of ours as it must be. */
export interface Rules<T> {
  /** How its problems name it. */
  readonly file: string;
  readonly schema: z.ZodType<T>;
  /** What no single value can tell. */
  readonly check: (value: T) => Description[];
  /** The problems of which all others are only a consequence, where there are such. */
  readonly first?: (issues: readonly z.core.$ZodIssue[], root: object) => z.core.$ZodIssue[];
}

export interface Validated<T> {
  /** Every problem of the text; none when there are a value and its places. */
  readonly problems: readonly Problem[];
  readonly valid?: { readonly value: T; readonly data: Located };
}

/** Checks a text that was read against its rules. What could not be read is told once. */
export function validate<T>({ data, faults }: TextDocument, rules: Rules<T>): Validated<T> {
  const { file } = rules;
  const unreadable = faults.map(({ path, line, column, message }) => {
    return { file, line, column, path: formatPath(path as Path), message };
  });
  if (!data) return { problems: unreadable };
  const { problems, value } = validateData(data, rules);
  // Not also as a value of the wrong kind.
  const isNew = (problem: Problem) =>
    !faults.some((fault) => fault.line === problem.line && fault.column === problem.column);
  const all = [...unreadable, ...problems.filter(isNew)];
  if (all.length > 0 || value === undefined) return { problems: all };
  return { problems: [], valid: { value, data } };
}

function validateData<T>(
  data: Located,
  { file, schema, check, first }: Rules<T>,
): { problems: Problem[]; value?: T } {
  const problemOf = ({ path, key, message, hint }: Description): Problem => ({
    ...{ file, ...(key ? data.keyAt(path) : data.at(path)) },
    ...{ path: formatPath(nameOf(data.names, path)), message },
    ...(hint ? { hint } : {}),
  });
  const root = data.value;
  if (root === null || typeof root !== 'object' || Array.isArray(root)) {
    return { problems: [{ file, ...data.at([]), path: '', message: 'must be a mapping of keys' }] };
  }
  const result = schema.safeParse(root);
  if (result.success) {
    const problems = check(result.data).map(problemOf);
    return problems.length > 0 ? { problems } : { problems, value: result.data };
  }
  const { issues } = result.error;
  const reasons = first?.(issues, root) ?? [];
  const told = reasons.length > 0 ? reasons : issues;
  return {
    problems: told.flatMap((issue) =>
      describeIssue(issue, valueAt(root, issue.path), schema).map(problemOf),
    ),
  };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((inner: unknown, step) => {
    if (inner === null || typeof inner !== 'object') return undefined;
    return Object.hasOwn(inner, step) ? (inner as Record<PropertyKey, unknown>)[step] : undefined;
  }, value);
}
