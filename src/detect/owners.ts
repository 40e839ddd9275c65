import type { DetectInput } from '../core/detect.ts';
import { askProgram } from './ask-program.ts';
import { dpkgDirectory } from './dpkg.ts';
import { below, inUsr } from './paths.ts';

export interface PackageOwner {
  readonly kind: 'apt' | 'rpm';
  readonly name: string;
}

/** Where rpm has its database: today's place first. */
const rpmDirectories = ['/usr/lib/sysimage/rpm', '/var/lib/rpm'];
/** Here users and others install what is of no package. */
const foreign = /^\/(home|root|tmp|usr\/local|snap|nix|run|mnt|media|srv)\//;
const most = 2000;

/**
 * The packages that own files, by path as it was asked for, in one run of the system's package manager. A path is left out
 * when nobody owns it, or nobody could be asked.
 */
export async function readOwners(
  input: DetectInput,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PackageOwner>> {
  // dpkg takes what has one of these for a pattern; no package has such a program.
  const asked = [...new Set(paths)]
    .filter((path) => path.startsWith('/') && !foreign.test(path) && !/[*?[\]\\\n]/.test(path))
    .slice(0, most);
  if (asked.length === 0) return new Map();
  const found = await askManager(input, asked);
  const owners = new Map<string, PackageOwner>();
  for (const path of paths) {
    const owner = found.get(inUsr(path));
    if (owner !== undefined) owners.set(path, owner);
  }
  return owners;
}

async function askManager(
  input: DetectInput,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PackageOwner>> {
  const { root } = input.scope;
  if (await isThere(input, `${dpkgDirectory}/status`)) {
    const place = root === '/' ? [] : [`--admindir=${below(root, dpkgDirectory)}`];
    // A package may list its files by the name they had before they moved below /usr.
    const names = paths.flatMap((path) => [path, path.replace(/^\/usr\/(?=s?bin\/|lib)/, '/')]);
    const answers = ({ exitCode }: { exitCode: number }) => exitCode <= 1;
    const said = await askProgram(input, ['dpkg', ...place, '-S', ...new Set(names)], { answers });
    return parseDpkg(said ?? '');
  }
  const directory = await rpmDirectory(input);
  if (directory === undefined) return new Map();
  const place = root === '/' ? [] : ['--dbpath', below(root, directory)];
  // By itself it does not say for which file it answers. The exit status is the number of those that nobody owns.
  const argv = ['rpm', ...place, '-qf', '--qf', '[%{=NAME}\\t%{FILENAMES}\\n]', ...paths] as const;
  const said = await askProgram(input, argv, { answers: ({ signal }) => signal === undefined });
  return parseRpm(said ?? '', new Set(paths));
}

/** Where rpm keeps what it knows; `undefined` where the system is not of its kind. */
export async function rpmDirectory(input: DetectInput): Promise<string | undefined> {
  for (const directory of rpmDirectories) if (await isThere(input, directory)) return directory;
  return undefined;
}

async function isThere({ host, scope }: DetectInput, path: string): Promise<boolean> {
  const facts = await host.files.facts(below(scope.root, path)).catch(() => undefined);
  return facts !== undefined;
}

/** `bash: /bin/bash`, `libc6:amd64, libc6:i386: /etc/x`; diversions and what is not understood are nobody's. */
function parseDpkg(said: string): Map<string, PackageOwner> {
  const owners = new Map<string, PackageOwner>();
  for (const line of said.split('\n')) {
    const [, name, path] =
      /^([a-z0-9][a-z0-9+.-]+)(?::[^:/ ]+)?(?:, [^/]*)?: (\/.*)$/.exec(line) ?? [];
    if (name !== undefined && path !== undefined) owners.set(inUsr(path), { kind: 'apt', name });
  }
  return owners;
}

/** For each package of the answer a line for each of its files. */
function parseRpm(said: string, asked: ReadonlySet<string>): Map<string, PackageOwner> {
  const owners = new Map<string, PackageOwner>();
  for (const line of said.split('\n')) {
    const [, name, path] = /^([\w.+-]+)\t(\/.*)$/.exec(line) ?? [];
    if (name === undefined || path === undefined || !asked.has(inUsr(path))) continue;
    owners.set(inUsr(path), { kind: 'rpm', name });
  }
  return owners;
}
