import { posix } from 'node:path';
import { quoted } from '../lib/printable.ts';

/** Directories without which a guest does not run: nothing is mounted over them. */
const vital = new Set(
  '/ /bin /boot /etc /lib /lib32 /lib64 /libx32 /sbin /usr /var /home /root /tmp'.split(' '),
);
const kernel = /^\/(proc|sys|dev|run|boot)(\/|$)/;
/** Where desktops mount removable disks: below it are ordinary directories. */
const removable = /^\/run\/media\/./;

/**
 * An absolute path of the guest, without doubled or trailing slashes. Throws a `RangeError` for a relative
 * one, and for `..`, which would mean something else once a link is in the way.
 */
export function parseGuestPath(text: string): string {
  if (!text.startsWith('/')) throw new RangeError(`${quoted(text)} is not an absolute path`);
  if (text.split('/').includes('..')) throw new RangeError(`${quoted(text)} must not contain ..`);
  if (/\p{Cc}/u.test(text)) throw new RangeError(`${quoted(text)} holds a control character`);
  const path = posix.normalize(text);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Why nothing may be mounted at this path of the guest, or `undefined`. */
export function mountProblem(path: string): string | undefined {
  if (removable.test(path) || !(vital.has(path) || kernel.test(path))) return undefined;
  return `would hide ${quoted(path)} of the guest: choose another place in the guest`;
}

/** A directory for a run unit: absolute, or relative to the project. Throws a `RangeError` as `parseGuestPath` does. */
export function parseWorkingDirectory(text: string): string {
  if (text.startsWith('/')) return parseGuestPath(text);
  if (text.startsWith('~')) throw new RangeError('must be absolute or relative to the project');
  return parseGuestPath(`/${text}`).slice(1) || '.';
}

/** As `parseGuestPath`, for a place where something can be mounted. */
export function parseMountPoint(text: string): string {
  const path = parseGuestPath(text);
  const problem = mountProblem(path);
  if (problem) throw new RangeError(problem);
  return path;
}
