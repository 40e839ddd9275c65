import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { ProjectDoor, TreeFile, TreeNode } from '../core/project-tree.ts';
import { isInside, normalizePath } from '../store/paths.ts';

/** A file of many secrets, or of keys: none is larger (bytes). */
export const largestFile = 4 * 1024 * 1024;

/** What a file is called from the project on; `undefined` when its path is not in the project. */
export function nameInProject(path: string, { path: project }: ProjectDoor): string | undefined {
  return isInside(path, project) ? path.slice(project.length + 1) : undefined;
}

/**
 * The path in the project of what its options name. Fails with `refused` when it leads out of the project, be it by one of
 * its links: a project must not fetch what the user keeps elsewhere.
 */
export async function placeInProject(path: string, project: ProjectDoor): Promise<string> {
  const place = normalizePath(`${project.path}/${path}`);
  const name = nameInProject(place, project);
  if (name === undefined) throw leadsOut(path, place, project);
  const at = await within(project, (tree) => tree.look(name));
  if (at.kind === 'outside') throw leadsOut(path, at.target, project);
  return place;
}

/** A file of the project, opened beneath its descriptor. Where the project is gone there is none: others may have it. */
export function readInProject(name: string, project: ProjectDoor): Promise<TreeFile> {
  return within(project, (tree) => tree.read(name, largestFile));
}

async function within<T extends TreeFile | TreeNode>(
  project: ProjectDoor,
  use: (tree: Awaited<ReturnType<ProjectDoor['open']>>) => Promise<T>,
): Promise<T | { readonly kind: 'absent' }> {
  const tree = await project.open().catch((error: unknown) => {
    if (isCloneboxError(error, 'not-found')) return undefined;
    throw error;
  });
  return tree === undefined ? { kind: 'absent' } : use(tree);
}

/** Why a file is not read: it is named in the project, and elsewhere. */
export function leadsOut(
  path: string,
  place: string,
  project: Pick<ProjectDoor, 'path'>,
): CloneboxError {
  return new CloneboxError('refused', `${path} leads out of the project, to ${place}`, {
    hint: `Keep it in ${project.path}, or write the path in full, from / on.`,
    facts: { path, place },
  });
}
