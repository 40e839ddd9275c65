import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { FileContent, ReachedDirectory } from '../core/file-facts.ts';
import { leavesTree } from '../core/project-tree.ts';
import { isWrittenByOthers } from './floors.ts';

export interface OutputFile {
  readonly path: string;
  /** Writes it for this user alone: the whole of it, or what was there before stays. */
  write(content: FileContent): Promise<void>;
}

/**
 * The file that `-o` names; what is in it may be replaced. The user's own links to its directory are followed when that is
 * named by its whole path, and none that leads out of a directory that others write to: `refused`. A relative path does not
 * lead out of where it begins, nor does the file's own link out of its directory, whoever made it. Fails with `usage` where there is something else than a file, and with
 * `not-found` where there is no directory for it.
 */
export async function outputFile(
  ctx: Ctx,
  { file, cwd }: { file: string; cwd: string },
): Promise<OutputFile> {
  const wanted = resolve(cwd, file);
  const top = await ctx.host.files.realPath(beginOf(file, cwd));
  const isOthers = await isWrittenByOthers(ctx);
  const isFloor = (at: ReachedDirectory) => at.path === top || isOthers(at);
  const found = await ctx.host.openPlace(wanted, { isFloor, toWrite: true });
  switch (found.kind) {
    case 'outside':
      throw leavesTree(found.floor, found, 'Remove the link, or name another file.');
    case 'dangling':
      throw noFile(wanted, 'symlink');
    case 'absent':
      throw new CloneboxError('not-found', `there is no directory ${found.missing}`, {
        hint: 'Make it first, or name another file.',
        facts: { path: wanted },
      });
    case 'place': {
      const { parent, name, facts } = found;
      const path = join(parent.path, name);
      if (facts !== undefined && facts.kind !== 'file') throw noFile(path, facts.kind);
      return { path, write: (content) => parent.replace(name, content, 0o600) };
    }
  }
}

/** Where a relative path begins, after its `..`; of a whole path the directory of the file. */
function beginOf(file: string, cwd: string): string {
  const [up = ''] = /^(\.{1,2}\/+)*/.exec(file) ?? [];
  return isAbsolute(file) ? dirname(file) : resolve(cwd, up);
}

function noFile(path: string, kind: string): CloneboxError {
  return new CloneboxError('usage', `${path} is no file`, {
    hint: 'Name a file, or leave -o out: the export goes to standard output then.',
    facts: { path, kind },
  });
}
