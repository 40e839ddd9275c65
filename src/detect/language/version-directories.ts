import * as z from 'zod';
import type { DetectInput } from '../../core/detect.ts';
import type { Look } from '../look.ts';
import { readJson } from '../project/structured.ts';
import { bestOf, byVersion, type Managed, type Toolchain } from './toolchain.ts';

/** A version manager with a directory for each version of a language. */
export interface VersionDirectory {
  readonly manager: string;
  readonly name: string;
  /** The variable that says where it is, and where it is otherwise, from the home directory. */
  readonly variable?: string;
  readonly homes: readonly string[];
  /** The directory of versions, from the manager's own. */
  readonly versions: string;
  /** The name of such a directory; its first group is the version. */
  readonly entry: RegExp;
  /** The program, from the directory of its version. */
  readonly program: string;
  /** The version that a new shell gets, as the manager has it written down. */
  readonly chosen?: (look: Look, directory: string) => Promise<string | undefined>;
  readonly startedBy: RegExp;
  readonly onPath?: RegExp;
}

const number = /^v?(\d+\.\d+(?:\.\d+)*)$/;
const never = /(?!)/;

/** The first line of a file of the manager. */
const lineOf = (file: string) => async (look: Look, directory: string) =>
  (await look.text(`${directory}/${file}`))?.split('\n', 1)[0]?.trim();
/** The directory of a version that a link leads to. */
const linkTo = (file: string, entry: RegExp) => async (look: Look, directory: string) =>
  (await look.link(`${directory}/${file}`))?.split('/').findLast((part) => entry.test(part));

const sdkVersion = /^(\d+(?:\.\d+)*)(?:[.-][\w.-]+)?$/;
const sdkman = (name: string, program: string): VersionDirectory => ({
  ...{ manager: 'sdkman', name, program: `bin/${program}`, variable: 'SDKMAN_DIR' },
  ...{ homes: ['.sdkman'], versions: `candidates/${name}`, entry: sdkVersion },
  chosen: linkTo(`candidates/${name}/current`, sdkVersion),
  startedBy: /sdkman-init\.sh/,
});
/** The family of rbenv: all of it is alike. */
const likeRbenv = (manager: string, name: string, program: string): VersionDirectory => ({
  ...{ manager, name, program: `bin/${program}`, variable: `${manager.toUpperCase()}_ROOT` },
  ...{ homes: [`.${manager}`], versions: 'versions', entry: number, chosen: lineOf('version') },
  startedBy: new RegExp(`\\b${manager} init|\\.${manager}/(?:shims|bin)`),
});

/** Version managers of one language. */
export const versionDirectories: readonly VersionDirectory[] = [
  {
    ...{ manager: 'nvm', name: 'node', variable: 'NVM_DIR', homes: ['.nvm', '.config/nvm'] },
    ...{ versions: 'versions/node', entry: number, program: 'bin/node' },
    chosen: chosenOfNvm,
    startedBy: /nvm\.sh/,
  },
  {
    ...{ manager: 'fnm', name: 'node', variable: 'FNM_DIR', homes: ['.local/share/fnm', '.fnm'] },
    ...{ versions: 'node-versions', entry: number, program: 'installation/bin/node' },
    ...{ chosen: linkTo('aliases/default', number), startedBy: /\bfnm env/ },
    onPath: /\/fnm_multishells\//,
  },
  {
    ...{ manager: 'volta', name: 'node', variable: 'VOLTA_HOME', homes: ['.volta'] },
    ...{ versions: 'tools/image/node', entry: number, program: 'bin/node' },
    ...{ chosen: chosenOfVolta, startedBy: /VOLTA_HOME|\.volta\/bin/ },
  },
  likeRbenv('nodenv', 'node', 'node'),
  likeRbenv('pyenv', 'python', 'python'),
  likeRbenv('rbenv', 'ruby', 'ruby'),
  likeRbenv('goenv', 'go', 'go'),
  likeRbenv('phpenv', 'php', 'php'),
  {
    ...{ manager: 'uv', name: 'python', homes: ['.local/share/uv/python'], versions: '.' },
    ...{ entry: /^cpython-(\d+\.\d+\.\d+)-linux-/, program: 'bin/python3', startedBy: never },
  },
  {
    ...{ manager: 'rvm', name: 'ruby', variable: 'rvm_path', homes: ['.rvm'] },
    ...{ versions: 'rubies', entry: /^ruby-(\d+\.\d+\.\d+)$/, program: 'bin/ruby' },
    chosen: linkTo('rubies/default', /^ruby-\d/),
    startedBy: /\.rvm\/scripts\/rvm/,
  },
  {
    ...{ manager: 'golang.org/dl', name: 'go', homes: ['sdk'], versions: '.' },
    ...{ entry: /^go(\d+\.\d+(?:\.\d+)?)$/, program: 'bin/go', startedBy: never },
  },
  ...[sdkman('java', 'java'), sdkman('maven', 'mvn')],
  ...[sdkman('gradle', 'gradle'), sdkman('kotlin', 'kotlinc')],
];

/** Where a manager keeps its things: the places that there could be, as paths of the system. */
export function homesOf(
  { host }: DetectInput,
  look: Look,
  { variable, homes }: Pick<VersionDirectory, 'variable' | 'homes'>,
): string[] {
  const own = variable === undefined ? undefined : host.env[variable];
  return own?.startsWith('/') ? [own] : homes.map((home) => `${look.home}/${home}`);
}

/** What a version manager has installed; nothing when it is not there. */
export async function readVersionDirectory(
  input: DetectInput,
  look: Look,
  kind: VersionDirectory,
): Promise<Managed[]> {
  const all = homesOf(input, look, kind).map(async (directory): Promise<Managed[]> => {
    const place = kind.versions === '.' ? directory : `${directory}/${kind.versions}`;
    const toolchains = await versionsIn(look, place, kind);
    if (toolchains.length === 0) return [];
    const { manager, name, startedBy, onPath } = kind;
    const chosen = choose(toolchains, place, await kind.chosen?.(look, directory));
    return [
      {
        manager,
        directory,
        toolchains,
        startedBy,
        onPath,
        chosen: new Map(chosen === undefined ? [] : [[name, chosen]]),
      },
    ];
  });
  return (await Promise.all(all)).flat();
}

/** The versions in a directory, newest first. Links are other names of them. */
export async function versionsIn(
  look: Look,
  place: string,
  {
    manager,
    name,
    entry,
    program,
  }: Pick<VersionDirectory, 'manager' | 'name' | 'entry' | 'program'>,
): Promise<Toolchain[]> {
  const names = (await look.names(place)).filter((one) => entry.test(one));
  const found = names.map(async (one): Promise<Toolchain[]> => {
    const prefix = `${place}/${one}`;
    if ((await look.link(prefix)) !== undefined) return [];
    if ((await look.facts(`${prefix}/${program}`))?.kind !== 'file') return [];
    const version = (await javaVersion(look, name, prefix)) ?? entry.exec(one)?.[1] ?? one;
    const reason = `installed with ${manager}`;
    const finding = { source: prefix, confidence: 'certain', reason } as const;
    return [{ name, version, path: `${prefix}/${program}`, prefix, manager, finding }];
  });
  return (await Promise.all(found))
    .flat()
    .toSorted((one, other) => byVersion(one.version, other.version));
}

/** Every JDK says its version in a file; the names of their directories are anybody's. */
async function javaVersion(look: Look, name: string, prefix: string): Promise<string | undefined> {
  if (name !== 'java') return undefined;
  const text = await look.text(`${prefix}/release`);
  return /^JAVA_VERSION="(\d[\w.]{0,30})"$/m.exec(text ?? '')?.[1];
}

/** The program of the version that is wanted, by the name of its directory or by its numbers. */
export function choose(
  toolchains: readonly Toolchain[],
  place: string,
  wanted: string | undefined,
): string | undefined {
  if (wanted === undefined || wanted === '' || wanted === 'system') return undefined;
  if (wanted === 'newest') return toolchains[0]?.path;
  const named = toolchains.find(({ prefix }) => prefix === `${place}/${wanted}`);
  if (named !== undefined) return named.path;
  const version = bestOf(
    toolchains.map((one) => one.version),
    wanted.replace(/^v/, ''),
  );
  return toolchains.find((one) => one.version === version)?.path;
}

/** nvm's aliases lead to others: `default` to `lts/*`, that to `lts/jod`, that to a version. */
async function chosenOfNvm(look: Look, directory: string): Promise<string | undefined> {
  let name = 'default';
  for (let depth = 0; depth < 6; depth += 1) {
    if (!/^(?:lts\/)?[\w.*-]{1,40}$/.test(name)) return undefined;
    const text = await look.text(`${directory}/alias/${name}`);
    const next = text?.split('\n', 1)[0]?.trim();
    if (!next) return depth === 0 ? undefined : name;
    if (next === 'node' || next === 'stable') return 'newest';
    name = next;
  }
  return undefined;
}

const platform = z.looseObject({ node: z.looseObject({ runtime: z.string() }) });

async function chosenOfVolta(look: Look, directory: string): Promise<string | undefined> {
  const text = await look.text(`${directory}/tools/user/platform.json`);
  return readJson(text ?? '', platform)?.node.runtime;
}
