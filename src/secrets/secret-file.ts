import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { SecretDeps } from '../core/secrets.ts';
import { isInside, normalizePath } from '../store/paths.ts';

/** A file of many secrets, or of keys: none is larger (bytes). */
const largestFile = 4 * 1024 * 1024;

/**
 * Where a file of the options is: `~/` is the user's home, and what does not begin with `/` is in the project, also by
 * its links. Fails with `config-invalid` when there is no project, with `refused` when it leads out of it.
 */
export async function placeOf(path: string, { host, project }: SecretDeps): Promise<string> {
  if (path.startsWith('/')) return normalizePath(path);
  if (path.startsWith('~/')) return normalizePath(`${host.user.home}/${path.slice(2)}`);
  if (project === undefined) {
    throw new CloneboxError('config-invalid', `${path} is in no directory: there is no project`, {
      hint: 'Write the path in full, from / on.',
      facts: { path },
    });
  }
  const place = normalizePath(`${project}/${path}`);
  const [real, root] = await Promise.all([
    host.files.realPath(place),
    host.files.realPath(project),
  ]);
  // A project's link must not fetch what the user keeps elsewhere.
  const inside = isInside(place, normalizePath(project));
  if (!inside || (real !== undefined && root !== undefined && !isInside(real, root))) {
    throw new CloneboxError('refused', `${path} leads out of the project, to ${real ?? place}`, {
      hint: `Keep it in ${project}, or write the path in full, from / on.`,
      facts: { path, place: real ?? place },
    });
  }
  return place;
}

/** How a file is read that may hold secrets. */
interface ReadOptions {
  /** What it is, for errors: `the age identity`. */
  readonly what: string;
  /** Nobody else may read or change it. */
  readonly isPrivate: boolean;
}

/**
 * The bytes of a small file; `undefined` when there is none. Fails with `refused` when others may read a private one,
 * with `config-invalid` when it is no file or too large.
 */
export async function readSecretFile(
  path: string,
  host: Pick<Host, 'files' | 'user'>,
  options: ReadOptions,
): Promise<Uint8Array | undefined> {
  const { what, isPrivate } = options;
  const real = await host.files.realPath(path);
  const facts = real === undefined ? undefined : await host.files.facts(real);
  if (real === undefined || facts === undefined) return undefined;
  if (facts.kind !== 'file') {
    throw new CloneboxError('config-invalid', `${what} ${path} is not a file`, {
      facts: { path },
    });
  }
  if (facts.size > largestFile) {
    throw new CloneboxError('config-invalid', `${what} ${path} is larger than 4 MiB`, {
      facts: { path, size: facts.size },
    });
  }
  if (isPrivate && isOpenToOthers(facts.mode)) {
    throw new CloneboxError('refused', `${what} ${path} is open to other users`, {
      hint: `Close it to them: chmod 600 ${path}`,
      facts: { path, mode: facts.mode.toString(8).padStart(4, '0') },
    });
  }
  return host.files.readBytes(real);
}

/** The text of such a file. Fails with `config-invalid` too when it is not UTF-8. */
export async function readSecretText(
  path: string,
  host: Pick<Host, 'files' | 'user'>,
  options: ReadOptions,
): Promise<string | undefined> {
  const bytes = await readSecretFile(path, host, options);
  return bytes && decodeText(bytes, `${options.what} ${path}`);
}

/** The text of bytes, without a byte order mark. Fails with `config-invalid`, naming `what`, when they are not UTF-8. */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CloneboxError('config-invalid', `${what} is not UTF-8 text`);
  }
}

/** True for a mode that lets the group or others read or change a file. */
export function isOpenToOthers(mode: number): boolean {
  return (mode & 0o066) !== 0;
}
