import { isWithin } from './is-within.ts';

interface Mount {
  /** Of the file system, as `major:minor`. */
  readonly device: string;
  /** What of the file system is mounted, and where. */
  readonly root: string;
  readonly point: string;
  /** The directories that an overlay is made of. */
  readonly layers: readonly string[];
}

/**
 * Finds the other paths of a directory: those that lead to it by bind mounts of it, or of a directory around it, and
 * those of the layers of an overlay. `mountinfo`
 * is what /proc/self/mountinfo says (proc_pid_mountinfo(5)); paths are absolute and have no links in them.
 */
export function mountNames(mountinfo: string): (path: string) => string[] {
  const mounts = mountinfo.split('\n').flatMap(parseMount);
  return (path) => {
    const holder = holderOf(path, mounts);
    if (holder === undefined) return [];
    const place = moved(path, holder.point, holder.root);
    const names = [
      ...mounts
        .filter(({ device, root }) => device === holder.device && isWithin(root, place))
        .map(({ root, point }) => moved(place, root, point)),
      ...holder.layers.map((layer) => moved(place, '/', layer)),
    ];
    return [...new Set(names)].filter((name) => name !== path);
  };
}

/** The mount that a path is in; of several at one place the last is seen. */
function holderOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts
    .filter(({ point }) => isWithin(point, path))
    .reduce<Mount | undefined>(
      (deepest, mount) =>
        deepest === undefined || mount.point.length >= deepest.point.length ? mount : deepest,
      undefined,
    );
}

function parseMount(line: string): Mount[] {
  const [, , device, root, point] = line.split(' ');
  if (device === undefined || root === undefined || point === undefined) return [];
  const layers = [...line.matchAll(/[ ,](?:lowerdir|upperdir)\+?=([^, ]+)/g)].flatMap(
    ([, list = '']) => list.split(/(?<!\\):/).filter((one) => one.startsWith('/')),
  );
  return [{ device, root: decoded(root), point: decoded(point), layers: layers.map(decoded) }];
}

/** The kernel writes spaces, tabs, line ends and backslashes in octal. */
function decoded(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** A path below one directory as the same path below another. */
function moved(path: string, from: string, to: string): string {
  const rest = from === '/' ? path : path.slice(from.length);
  return to === '/' ? rest || '/' : `${to}${rest === '/' ? '' : rest}`;
}
