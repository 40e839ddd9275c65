import type { Finding } from '../../core/plan.ts';

/** One version of a language, or of a tool that goes with it, that is installed. */
export interface Toolchain {
  /** By the short name that projects are read with: node, python, go. */
  readonly name: string;
  readonly version: string;
  /** Its program, as a path of the system. */
  readonly path: string;
  /** Everything below it is a part of it. */
  readonly prefix: string;
  readonly manager: string;
  readonly finding: Finding;
}

/** What a version manager has, and what it gives to a new shell. */
export interface Managed {
  readonly manager: string;
  /** Where it keeps everything: a directory of the PATH below it is its business. */
  readonly directory: string;
  readonly toolchains: readonly Toolchain[];
  /** Paths of the programs that it gives to a new shell, by language. */
  readonly chosen: ReadonlyMap<string, string>;
  /** What turns it on in a start file of the shell. */
  readonly startedBy: RegExp;
  /** A directory of the PATH that is its own and not below `directory`. */
  readonly onPath?: RegExp | undefined;
}

/** The programs of each language, the first that is there counts. */
export const programsOf: Readonly<Record<string, readonly string[]>> = {
  node: ['node', 'nodejs'],
  npm: ['npm'],
  pnpm: ['pnpm'],
  yarn: ['yarn', 'yarnpkg'],
  bun: ['bun'],
  deno: ['deno'],
  python: ['python3', 'python'],
  uv: ['uv'],
  poetry: ['poetry'],
  go: ['go'],
  rust: ['rustc'],
  java: ['java'],
  maven: ['mvn'],
  gradle: ['gradle'],
  kotlin: ['kotlinc'],
  ruby: ['ruby'],
  php: ['php'],
  composer: ['composer'],
  elixir: ['elixir'],
  erlang: ['erl'],
  dotnet: ['dotnet'],
  gcc: ['gcc'],
};

/** Names that asdf and mise have for a language, where they differ. */
const otherNames = new Map([
  ['nodejs', 'node'],
  ['golang', 'go'],
  ['dotnet-core', 'dotnet'],
]);

/** The language that a version manager of many calls so; `undefined` when it is none of ours. */
export function languageNamed(plugin: string): string | undefined {
  const name = otherNames.get(plugin) ?? plugin;
  return Object.hasOwn(programsOf, name) ? name : undefined;
}

/** Newest first by the numbers in a version. */
export function byVersion(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => (text.match(/\d+/g) ?? []).map(Number));
  for (let place = 0; place < Math.max(a?.length ?? 0, b?.length ?? 0); place += 1) {
    const difference = (b?.[place] ?? -1) - (a?.[place] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The newest of these versions that is the wanted one or begins with it: 22.14.0 for `22`. */
export function bestOf(versions: readonly string[], wanted: string): string | undefined {
  if (versions.includes(wanted)) return wanted;
  return versions.filter((one) => one.startsWith(`${wanted}.`)).toSorted(byVersion)[0];
}
