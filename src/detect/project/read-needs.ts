import type { Io } from '../../core/io.ts';
import type { ProjectNeeds } from '../../core/needs.ts';
import type { ProjectTree } from '../../core/project-tree.ts';
import { printable } from '../../lib/printable.ts';
import { listTree } from './list-tree.ts';
import { needsOf } from './needs-of.ts';
import { partsOf, withinPart } from './parts.ts';
import type { ProjectFile } from './reader.ts';
import { projectReaders } from './registry.ts';

const longest = 1024 ** 2;
const mostFiles = 300;

/**
 * What a project needs, by its own files: those at its top, and those of the directories right below it. Runs nothing and
 * never fails for what is in a file: that becomes a note.
 */
export async function readNeeds(tree: ProjectTree, io: Io): Promise<ProjectNeeds> {
  const paths = await listTree(tree);
  const parts = partsOf(paths);
  const wanted = paths.filter((path) => {
    const own = [path, ...parts.flatMap((part) => withinPart(path, part) ?? [])];
    return projectReaders.some((reader) => own.some((one) => reader.wants(one)));
  });
  const notes: string[] = [];
  if (wanted.length > mostFiles) {
    notes.push(`only ${mostFiles} of ${wanted.length} manifests were read`);
  }
  const files: ProjectFile[] = [];
  for (const path of wanted.slice(0, mostFiles)) {
    io.signal.throwIfAborted();
    const text = await readManifest(tree, path, notes);
    if (text !== undefined) files.push({ path, text });
  }
  return needsOf(files, paths, notes);
}

async function readManifest(
  tree: ProjectTree,
  path: string,
  notes: string[],
): Promise<string | undefined> {
  const left = (reason: string) => {
    notes.push(`${printable(path)} is left out: ${reason}`);
    return undefined;
  };
  const read = await tree.read(path, longest).catch(() => undefined);
  switch (read?.kind) {
    case undefined:
      return left('it cannot be read');
    case 'outside':
      return left('it is a link out of the project');
    case 'too-large':
      return left('it is longer than 1 MiB');
    case 'file': {
      const text = Buffer.from(read.bytes).toString('utf8');
      return text.includes('\0') ? left('it is not text') : text.replace(/^\ufeff/, '');
    }
    default:
      return undefined;
  }
}
