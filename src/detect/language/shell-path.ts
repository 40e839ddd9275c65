import type { DetectInput } from '../../core/detect.ts';
import { isWithin } from '../../lib/is-within.ts';
import type { Look } from '../look.ts';
import type { Managed } from './toolchain.ts';

/** Where programs are wherever a shell was started from. */
const everywhere = ['/usr/local/bin', '/usr/bin', '/bin'];

const startFiles: Readonly<Record<string, readonly string[]>> = {
  bash: ['.bashrc', '.bash_profile', '.bash_login', '.profile'],
  zsh: ['.zshenv', '.zprofile', '.zshrc'],
  fish: ['.config/fish/config.fish'],
};

/** A place where a new shell looks for programs: a directory, or all that a version manager gives. */
export type SearchPlace =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'manager'; readonly managed: Managed; readonly path: string | undefined };

/**
 * Where a new shell of the user looks for programs, in order: this one's PATH, and before it the version managers that a
 * start file of the shell turns on and that this one has not got. A virtual environment or a project that is active
 * here is not in it.
 */
export async function searchPlaces(
  input: DetectInput,
  look: Look,
  managers: readonly Managed[],
): Promise<SearchPlace[]> {
  const directories = await pathOf(input, look);
  const places = directories.map((path): SearchPlace => {
    const managed = managers.find((one) => isOf(one, path));
    return managed === undefined ? { kind: 'directory', path } : { kind: 'manager', managed, path };
  });
  const here = new Set(places.flatMap((one) => (one.kind === 'manager' ? [one.managed] : [])));
  const started = await startedManagers(
    input,
    look,
    managers.filter((one) => !here.has(one)),
  );
  return [
    ...started.map((managed): SearchPlace => ({ kind: 'manager', managed, path: undefined })),
    ...places,
  ];
}

function isOf({ directory, onPath }: Managed, path: string): boolean {
  return isWithin(directory, path) || (onPath?.test(path) ?? false);
}

async function pathOf({ host, scope }: DetectInput, look: Look): Promise<string[]> {
  const { root, project } = scope;
  const all = [...(host.env.PATH ?? '').split(':'), ...everywhere]
    .filter((path) => path.startsWith('/'))
    .map((path) => (root !== '/' && isWithin(root, path) ? path.slice(root.length) : path))
    .map((path) => path.replace(/(?<=.)\/+$/, ''));
  const kept = [...new Set(all)].map(async (path) => {
    if (path.includes('/node_modules/')) return [];
    if (project !== undefined && isWithin(project, path)) return [];
    const isVirtual = await look.facts(`${path.replace(/\/[^/]*$/, '')}/pyvenv.cfg`);
    return isVirtual === undefined ? [path] : [];
  });
  return (await Promise.all(kept)).flat();
}

/** Each puts itself before what was there: the last is first. */
async function startedManagers(
  { host }: DetectInput,
  look: Look,
  managers: readonly Managed[],
): Promise<Managed[]> {
  if (managers.length === 0) return [];
  const shell = (host.env.SHELL ?? host.user.shell).replace(/^.*\//, '');
  const names = startFiles[shell] ?? Object.values(startFiles).flat();
  const texts = await Promise.all(names.map((name) => look.text(`${look.home}/${name}`)));
  const lines = texts
    .flatMap((text) => (text ?? '').split('\n', 5000))
    // conda marks its own part with a comment.
    .filter((line) => !line.trimStart().startsWith('#') || line.includes('conda initialize'));
  return managers
    .map((managed) => ({
      managed,
      line: lines.findLastIndex((line) => managed.startedBy.test(line)),
    }))
    .filter(({ line }) => line >= 0)
    .toSorted((one, other) => other.line - one.line)
    .map(({ managed }) => managed);
}
