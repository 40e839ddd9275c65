import { posix } from 'node:path';
import { credentialsAt } from '../core/secret-places.ts';
import { isWithin } from '../lib/is-within.ts';

/** The system's own: neither they nor anything below them is a project. */
const system =
  '/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /root /run /sbin /snap /sys /usr /var'.split(
    ' ',
  );
/** Holders of directories: what is below them is ordinary, they themselves are not. */
const holders =
  '/home /media /mnt /opt /run/media /srv /tmp /usr/local/src /usr/src /var/tmp /var/www'.split(
    ' ',
  );

/**
 * Why a directory may not be a project, which the guest can write to, or `undefined` when it may.
 * Takes absolute paths in which links are resolved. The reason completes "PATH …".
 */
export function refusedProject(path: string, home: string): string | undefined {
  const directory = posix.resolve(path);
  const ownHome = posix.resolve(home);
  const held = holdsProjects(directory, ownHome);
  if (held !== undefined) return held;
  const ordinary = [...holders, ...(ownHome === '/' ? [] : [ownHome])];
  const nearest = [...system, ...ordinary]
    .filter((around) => isWithin(around, directory))
    .toSorted((a, b) => b.length - a.length)[0];
  if (nearest !== undefined && system.includes(nearest) && nearest !== ownHome) {
    return 'is part of the system';
  }
  return refusedShare(directory, ownHome);
}

/**
 * Why a directory is none of a project's own, whatever is in it, or `undefined`: the user's home, what holds it, and what
 * holds the directories of many. Takes absolute, resolved paths.
 */
export function holdsProjects(directory: string, home: string): string | undefined {
  if (directory === '/') return 'is the whole file system';
  if (directory === home) return 'is your home directory';
  if (isWithin(directory, home)) return 'holds your home directory';
  return holders.includes(directory) ? 'is a directory of the system' : undefined;
}

/**
 * Why a host path may not be shared, or `undefined` when it may: it is, is in, or holds a place of credentials.
 * Takes absolute paths in which links are resolved. The reason completes "PATH …".
 */
export function refusedShare(path: string, home: string): string | undefined {
  const shared = posix.resolve(path);
  const homes = homesAround(shared, posix.resolve(home));
  const owner = homes.find((one) => isWithin(shared, one));
  const credentials = credentialsAt(shared, owner === undefined ? homes : []);
  if (credentials !== undefined || owner === undefined) return credentials;
  return `holds a home directory (${owner}), with its credentials`;
}

/** The home directories that a path could touch: ours, root's, and that of whoever has the path. */
function homesAround(path: string, home: string): string[] {
  const [other] = /^\/home\/[^/]+/.exec(path) ?? [];
  return [home, '/root', ...(path === '/home' ? ['/home/*'] : []), ...(other ? [other] : [])];
}
