import type { NeededPackage, NeededTool } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { printable, quoted } from '../../lib/printable.ts';

/** The last part of a path: `package.json` of `api/package.json`. */
export function nameOfFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** True of a file right in the project's directory. */
export function isAtTop(path: string): boolean {
  return !path.includes('/');
}

/** A file says so itself. */
export function certain(source: string, reason: string): Finding {
  return { source, confidence: 'certain', reason };
}

/** It follows from what a file is for. */
export function likely(source: string, reason: string): Finding {
  return { source, confidence: 'likely', reason };
}

/** It is common where such a file is. */
export function guess(source: string, reason: string): Finding {
  return { source, confidence: 'guess', reason };
}

/** True of a file about something beside the project: its documentation, examples, tests. */
export function isAside(path: string): boolean {
  return /^(docs?|documentation|website|examples?|samples?|tests?|testdata|fixtures|e2e|benchmarks?)\//i.test(
    path,
  );
}

const longestLine = 2000;
const mostLines = 20_000;

/** The lines of a text, cut off where nobody reads on. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/, mostLines).map((line) => line.slice(0, longestLine));
}

interface Asked {
  /** The tool, by the field's own short name. */
  readonly name: string;
  /** What people call it. */
  readonly label: string;
  /** What the file says, and what that means: `undefined` is not understood, `*` is any version. */
  readonly written: string;
  readonly range: string | undefined;
}

/** A tool of the versions that a file asks for. What is not understood becomes a note, and any version is no tool. */
export function askedTool(path: string, asked: Asked, notes: string[]): NeededTool[] {
  const { name, label, range } = asked;
  const written = asked.written.slice(0, 200).trim().replace(/\s+/g, ' ');
  if (range === undefined) {
    notes.push(
      `${printable(path)}: ${quoted(written, 40)} is left out: no version of ${label} that is understood`,
    );
    return [];
  }
  if (range === '*') return [];
  const room = 60 - 'it asks for  '.length - label.length;
  const reason = `it asks for ${label} ${printable(written, room)}`;
  return [{ name, range, finding: certain(path, reason) }];
}

/** The first of each tool and range: modules of one project say the same. */
export function distinctTools(tools: readonly NeededTool[]): NeededTool[] {
  const seen = new Map(tools.toReversed().map((tool) => [`${tool.name} ${tool.range}`, tool]));
  return tools.filter((tool) => seen.get(`${tool.name} ${tool.range}`) === tool);
}

/** A library or a program that a project depends on, and the file that says so. */
export interface Dependency {
  readonly name: string;
  readonly path: string;
}

/** The Debian packages that dependencies need, by a table; each once, for the first that needs it. */
export function packagesFor(
  table: ReadonlyMap<string, readonly string[]>,
  dependencies: readonly Dependency[],
): NeededPackage[] {
  const needed = new Map<string, NeededPackage>();
  for (const { name, path } of dependencies) {
    for (const one of table.get(name) ?? []) {
      if (needed.has(one)) continue;
      needed.set(one, { name: one, finding: likely(path, `${printable(name, 40)} needs it`) });
    }
  }
  return [...needed.values()];
}
