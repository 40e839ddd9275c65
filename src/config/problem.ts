import { CloneboxError } from '../core/errors.ts';
import { printable } from '../lib/printable.ts';
import { shellQuote } from '../lib/quote.ts';

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a configuration. `path` is empty when the whole file is meant. */
export interface Problem extends Position {
  readonly file: string;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

export type Path = readonly (string | number)[];

/** More problems than this are counted, not told; `config validate` tells all that are kept. */
const listed = 50;
const kept = 2000;

/**
 * One `config-invalid` error for all problems, file by file and in the order of each; each is a line
 * `file:line:col path message`. `check` is the command line that finds them again.
 */
export function invalidConfig(
  problems: readonly Problem[],
  check = checkOf(problems[0]?.file ?? ''),
): CloneboxError {
  const files = [...new Set(problems.map((problem) => problem.file))];
  const sorted = files.flatMap((one) =>
    problems
      .filter((problem) => problem.file === one)
      .toSorted((a, b) => a.line - b.line || a.column - b.column),
  );
  const lines = sorted.slice(0, listed).map(lineOf);
  if (sorted.length > listed) lines.push(`and ${sorted.length - listed} more`);
  return new CloneboxError('config-invalid', lines.join('\n'), {
    hint: `Mend it, and check it with: ${check}`,
    facts: { problems: sorted.slice(0, kept), count: sorted.length },
  });
}

/** The command line that checks a file. */
export function checkOf(file: string): string {
  return `clonebox config validate ${shellQuote(file)}`;
}

/** Every problem that an error kept, a line for each, however many there are. */
export function allProblems(error: CloneboxError): CloneboxError {
  const { problems } = error.facts as { readonly problems?: readonly Problem[] };
  if (problems === undefined || problems.length <= listed) return error;
  const { hint, facts } = error;
  return new CloneboxError(error.code, problems.map(lineOf).join('\n'), { hint, facts });
}

function lineOf(problem: Problem): string {
  const place = `${printable(problem.file, 4096)}:${problem.line}:${problem.column}`;
  const hint = problem.hint ? ` (${problem.hint})` : '';
  return [place, problem.path, `${problem.message}${hint}`].filter(Boolean).join(' ');
}

/** How a path is written: `run.web.command[0]`. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const text = /^[\w-]+$/.test(part) ? printable(part) : JSON.stringify(printable(part));
      return index === 0 ? text : `.${text}`;
    })
    .join('');
}
