import { reasonOf } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import { noNeeds, type ProjectNeeds } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { finishRun } from './finish-run.ts';
import { listTree } from './list-tree.ts';
import type { ProjectFile, ProjectReader, ProjectTree } from './reader.ts';
import { projectReaders } from './registry.ts';

const longest = 1024 ** 2;
const mostFiles = 300;

/**
 * What a project needs, by its own files: those at its top, and those of the directories right below it. Runs nothing and
 * never fails for what is in a file: that becomes a note.
 */
export async function readNeeds(host: Host, directory: string, io: Io): Promise<ProjectNeeds> {
  const paths = await listTree(host.files, directory);
  const wanted = paths.filter((path) => projectReaders.some((reader) => reader.wants(path)));
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

/** What texts say, with no file read: `paths` are all that the tree has. */
export function needsOf(
  files: readonly ProjectFile[],
  paths: readonly string[],
  notes: readonly string[] = [],
): ProjectNeeds {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  const all = new Set(paths);
  const tree: ProjectTree = { text: (path) => texts.get(path), has: (path) => all.has(path) };
  const parts = withoutLastChoices(projectReaders.map((reader) => readOne(reader, files, tree)));
  const needs: ProjectNeeds = {
    ecosystems: [...new Set(parts.flatMap((part) => part.ecosystems ?? []))],
    // One that says which versions will do is the better finding.
    tools: parts
      .flatMap((part) => part.tools ?? [])
      .toSorted((one, other) => Number(!one.range) - Number(!other.range)),
    packages: parts.flatMap((part) => part.packages ?? []),
    services: parts.flatMap((part) => part.services ?? []),
    ports: parts.flatMap((part) => part.ports ?? []),
    run: parts.flatMap((part) => part.run ?? []),
    setup: parts.flatMap((part) => part.setup ?? []),
    notes: [...notes, ...parts.flatMap((part) => part.notes ?? [])],
  };
  return { ...needs, run: finishRun(needs, tree) };
}

/** Of a reader whose findings of a kind are a last choice, none where another has some of that kind. */
function withoutLastChoices(parts: readonly Partial<ProjectNeeds>[]): Partial<ProjectNeeds>[] {
  return parts.map((part, index) => {
    const left = (projectReaders[index]?.lastChoice ?? []).filter((kind) =>
      parts.some((other, place) => {
        return !projectReaders[place]?.lastChoice?.includes(kind) && hasOwn(other, kind);
      }),
    );
    return { ...part, ...Object.fromEntries(left.map((kind) => [kind, []])) };
  });
}

/** make alone says nothing of what a project is written in. */
function hasOwn(
  part: Partial<ProjectNeeds>,
  kind: 'run' | 'services' | 'setup' | 'tools',
): boolean {
  if (kind !== 'tools') return (part[kind] ?? []).length > 0;
  return (part.tools ?? []).some(({ name }) => name !== 'make' && name !== 'just');
}

function readOne(
  reader: ProjectReader,
  files: readonly ProjectFile[],
  tree: ProjectTree,
): Partial<ProjectNeeds> {
  const own = files.filter(({ path }) => reader.wants(path));
  if (own.length === 0) return noNeeds;
  try {
    return reader.read(own, tree);
  } catch (error) {
    // A reader that trips over a file must not keep the others from theirs.
    const names = own.map(({ path }) => printable(path)).join(', ');
    return { notes: [`${names}: not understood: ${printable(reasonOf(error), 200)}`] };
  }
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
