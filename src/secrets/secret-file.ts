import { CloneboxError } from '../core/errors.ts';
import type { ProjectTree, TreeFile } from '../core/project-tree.ts';
import type { SecretDeps } from '../core/secrets.ts';
import { isInside, normalizePath } from '../store/paths.ts';

/** A file of many secrets, or of keys: none is larger (bytes). */
const largestFile = 4 * 1024 * 1024;

/**
 * Where a file of the options is: `~/` is the user's home, and what does not begin with `/` is in the project, also by
 * its links. Fails with `config-invalid` when there is no project, with `refused` when it leads out of it.
 */
export async function placeOf(path: string, deps: SecretDeps): Promise<string> {
  const { host, project } = deps;
  if (path.startsWith('/')) return normalizePath(path);
  if (path.startsWith('~/')) return normalizePath(`${host.user.home}/${path.slice(2)}`);
  if (project === undefined) {
    throw new CloneboxError('config-invalid', `${path} is in no directory: there is no project`, {
      hint: 'Write the path in full, from / on.',
      facts: { path },
    });
  }
  const place = normalizePath(`${project}/${path}`);
  if (!isInside(place, normalizePath(project))) throw leadsOut(path, place, project);
  const at = await inProject(place, deps, (tree, name) => tree.look(name));
  if (at?.kind === 'outside') throw leadsOut(path, at.target, project);
  return place;
}

/** A project's link must not fetch what the user keeps elsewhere. */
function leadsOut(path: string, place: string, project: string): CloneboxError {
  return new CloneboxError('refused', `${path} leads out of the project, to ${place}`, {
    hint: `Keep it in ${project}, or write the path in full, from / on.`,
    facts: { path, place },
  });
}

/** What the project has at a path that is in it; `undefined` where there is no project, or the path is not in it. */
async function inProject<T>(
  path: string,
  { host, project }: FileDeps,
  use: (tree: ProjectTree, name: string) => Promise<T>,
): Promise<T | undefined> {
  if (project === undefined || !isInside(path, normalizePath(project))) return undefined;
  const opened = await host.openTree(project, { links: 'follow' });
  if (opened.kind !== 'tree') return undefined;
  const { tree } = opened;
  return use(tree, path.slice(normalizePath(project).length + 1)).finally(tree.close);
}

/** How a file is read that may hold secrets. */
interface ReadOptions {
  /** What it is, for errors: `the age identity`. */
  readonly what: string;
  /** Nobody else may read or change it. */
  readonly isPrivate: boolean;
}

/** What a file is read with: one that is in the project is read beneath the project's descriptor. */
export type FileDeps = Pick<SecretDeps, 'host'> & Partial<Pick<SecretDeps, 'project'>>;

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
  deps: FileDeps,
  options: ReadOptions,
): Promise<SecretFile | undefined> {
  const { what, isPrivate } = options;
  const read =
    (await inProject(path, deps, (tree, name) => tree.read(name, largestFile))) ??
    (await readOwn(path, deps));
  switch (read.kind) {
    case 'absent':
    case 'dangling':
      return undefined;
    case 'outside':
      throw leadsOut(path, read.target, deps.project ?? read.floor);
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

/** A file of the user's own, by the user's own links. */
async function readOwn(path: string, { host }: FileDeps): Promise<TreeFile> {
  const found = await host.openPlace(path, { isFloor: () => false });
  if (found.kind !== 'place') return { kind: 'absent' };
  return found.parent.read(found.name, largestFile).finally(found.parent.close);
}

/** The text of such a file. Fails with `config-invalid` too when it is not UTF-8. */
export async function readSecretText(
  path: string,
  deps: FileDeps,
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
