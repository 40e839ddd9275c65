import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { ProjectNeeds } from '../../core/needs.ts';
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
export async function readNeeds(host: Host, directory: string, io: Io): Promise<ProjectNeeds> {
  const paths = await listTree(host.files, directory);
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
    const text = await readManifest(host, { directory, path, notes });
    if (text !== undefined) files.push({ path, text });
  }
  return needsOf(files, paths, notes);
}

async function readManifest(
  host: Host,
  { directory, path, notes }: { directory: string; path: string; notes: string[] },
): Promise<string | undefined> {
  const left = (reason: string) => {
    notes.push(`${printable(path)} is left out: ${reason}`);
    return undefined;
  };
  try {
    const full = `${directory}/${path}`;
    const real = await host.files.realPath(full);
    if (real === undefined) return undefined;
    // A link may lead to anything of the host.
    if (!real.startsWith(`${directory}/`)) return left('it is a link out of the project');
    const facts = await host.files.facts(real);
    if (facts?.kind !== 'file') return undefined;
    if (facts.size > longest) return left('it is longer than 1 MiB');
    const text = await host.files.readText(real);
    if (text?.includes('\0')) return left('it is not text');
    return text?.replace(/^\ufeff/, '');
  } catch {
    return left('it cannot be read');
  }
}
