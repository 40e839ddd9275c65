import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { CloneboxError } from '../../core/errors.ts';
import type { FileContent } from '../../core/file-facts.ts';
import { leavesTree } from '../../core/project-tree.ts';
import { draftName, draftWriter } from '../files.ts';
import { beneath, codeOf, itself, readdir } from './descriptors.ts';
import { removeBeneath } from './remove-beneath.ts';
import type { Walked } from './walk.ts';

const fresh = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

interface Writing {
  readonly content: FileContent;
  readonly mode: number;
  /** Nothing may be there yet. */
  readonly isNew: boolean;
}

/** Writes a file at the end of a way: beside it first, then in its place. */
export async function writeFile(
  walked: Walked,
  writing: Writing & { tree?: string; asked?: string },
): Promise<void> {
  const { content, mode, isNew, tree = '', asked = '' } = writing;
  const { directory, name, path } = placeOf(walked, { tree, asked, isNew });
  const draft = beneath(directory, draftName());
  const handle = await fs.open(draft, fresh, mode);
  try {
    try {
      await fs.writeFile(handle, content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Both act on the name alone: a link that is put there meanwhile is not followed.
    if (isNew) await fs.link(draft, beneath(directory, name));
    else await fs.rename(draft, beneath(directory, name));
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw exists(path);
    throw error;
  } finally {
    // A guest may have made something else of it, or taken it away.
    await fs.unlink(draft).catch(() => {});
  }
  const place = await fs.open(itself(directory), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await place.sync();
  } finally {
    await place.close();
  }
}

function placeOf(
  walked: Walked,
  { tree, asked, isNew }: { tree: string; asked: string; isNew: boolean },
): { directory: number; name: string; path: string } {
  if (walked.kind === 'outside') throw leavesTree(tree, walked);
  if (walked.kind === 'dangling')
    throw new CloneboxError('conflict', `${asked} is a link that leads nowhere`, {
      hint: 'Remove it, then try again.',
      facts: { path: asked },
    });
  if (walked.parent === undefined)
    throw new CloneboxError('not-found', `there is no directory for ${asked}`, {
      hint: 'Make it first.',
      facts: { path: asked },
    });
  if (walked.kind === 'there' && isNew) throw exists(asked);
  if (walked.kind === 'there' && !walked.stat.isFile())
    throw new CloneboxError('conflict', `${asked} is not a file`, { facts: { path: asked } });
  const name = walked.path.slice(walked.path.lastIndexOf('/') + 1);
  return { directory: walked.parent.descriptor, name, path: walked.path };
}

function exists(path: string): CloneboxError {
  return new CloneboxError('conflict', `${path} exists already`, { facts: { path } });
}

/** Removes what writers that are gone have left, in an open directory: files, and directories with what is in them. */
export async function sweepDrafts(
  directory: number,
  isGone: (pid: number) => Promise<boolean>,
): Promise<void> {
  for (const name of await readdir(itself(directory))) {
    const pid = draftWriter(name);
    if (pid !== undefined && (await isGone(pid))) await removeBeneath(directory, name);
  }
}
