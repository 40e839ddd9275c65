import { resolve } from 'node:path';
import { CloneboxError } from '../core/errors.ts';
import type { TreeFile } from '../core/project-tree.ts';
import type { SecretDeps } from '../core/secrets.ts';
import { normalizePath } from '../store/paths.ts';
import {
  largestFile,
  leadsOut,
  nameInProject,
  placeInProject,
  readInProject,
} from './project-file.ts';

/**
 * Where a file of the options is: `~/` is the user's home, and what does not begin with `/` is in the project, also by
 * its links. Fails with `config-invalid` when there is no project, with `refused` when it leads out of it.
 */
export async function placeOf(path: string, { host, project }: SecretDeps): Promise<string> {
  if (path.startsWith('/')) return normalizePath(path);
  if (path.startsWith('~/')) return normalizePath(`${host.user.home}/${path.slice(2)}`);
  if (project !== undefined) return placeInProject(path, project);
  throw new CloneboxError('config-invalid', `${path} is in no directory: there is no project`, {
    hint: 'Write the path in full, from / on.',
    facts: { path },
  });
}

/** How a file is read that may hold secrets. */
interface ReadOptions {
  /** What it is, for errors: `the age identity`. */
  readonly what: string;
  /** Nobody else may read or change it. */
  readonly isPrivate: boolean;
}

export interface SecretFile {
  readonly bytes: Uint8Array;
  /** Of the very file that was read. */
  readonly mode: number;
}

/**
 * A small file; `undefined` when there is none. Fails with `refused` when others may read a private one, or when a link of
 * the project leads out of it, with `config-invalid` when it is no file or too large.
 */
export async function readSecretFile(
  path: string,
  deps: SecretDeps,
  options: ReadOptions,
): Promise<SecretFile | undefined> {
  const { what, isPrivate } = options;
  const read = await readAnywhere(resolve(path), deps);
  switch (read.kind) {
    case 'absent':
    case 'dangling':
      return undefined;
    case 'outside':
      throw leadsOut(path, read.target, deps.project ?? { path: read.floor });
    case 'not-a-file':
      throw new CloneboxError('config-invalid', `${what} ${path} is not a file`, {
        facts: { path },
      });
    case 'too-large':
      throw new CloneboxError('config-invalid', `${what} ${path} is larger than 4 MiB`, {
        facts: { path, size: read.facts.size },
      });
    case 'file': {
      const { mode } = read.facts;
      if (!isPrivate || !isOpenToOthers(mode)) return { bytes: read.bytes, mode };
      throw new CloneboxError('refused', `${what} ${path} is open to other users`, {
        hint: `Close it to them: chmod 600 ${path}`,
        facts: { path, mode: mode.toString(8).padStart(4, '0') },
      });
    }
  }
}

/** What is in the project is read beneath its descriptor; what the user has elsewhere, by the user's own links. */
async function readAnywhere(path: string, { host, project }: SecretDeps): Promise<TreeFile> {
  const name = project && nameInProject(path, project);
  if (project !== undefined && name !== undefined) return readInProject(name, project);
  // They may lead into the project, and nothing in there leads out of it again.
  const found = await host.openPlace(path, { isFloor: ({ path: at }) => at === project?.path });
  if (found.kind === 'outside') return found;
  if (found.kind !== 'place') return { kind: 'absent' };
  return found.parent.read(found.name, largestFile).finally(found.parent.close);
}

/** The text of such a file. Fails with `config-invalid` too when it is not UTF-8. */
export async function readSecretText(
  path: string,
  deps: SecretDeps,
  options: ReadOptions,
): Promise<string | undefined> {
  const file = await readSecretFile(path, deps, options);
  return file && decodeText(file.bytes, `${options.what} ${path}`);
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
