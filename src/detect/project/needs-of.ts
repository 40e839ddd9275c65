import { reasonOf } from '../../core/errors.ts';
import { noNeeds, type ProjectNeeds } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { finishRun } from './finish-run.ts';
import { joinParts, partsOf, withinPart } from './parts.ts';
import { isOfUnserved } from './python-web.ts';
import type { ProjectFile, ProjectReader, ProjectTexts } from './reader.ts';
import { projectReaders } from './registry.ts';

/**
 * What texts say, with no file read: `paths` are all that the tree has. Where nothing at the top is run, what is run in its
 * directories is.
 */
export function needsOf(
  files: readonly ProjectFile[],
  paths: readonly string[],
  notes: readonly string[] = [],
): ProjectNeeds {
  const needs = needsOfPart(files, paths, notes);
  if (needs.run.length > 0) return needs;
  const parts = partsOf(paths).map((part) => {
    const own = files.flatMap(({ path, text }) => {
      const inside = withinPart(path, part);
      return inside === undefined ? [] : [{ path: inside, text }];
    });
    const inside = paths.flatMap((path) => withinPart(path, part) ?? []);
    return { part, needs: needsOfPart(own, inside, []) };
  });
  return joinParts(needs, parts);
}

function needsOfPart(
  files: readonly ProjectFile[],
  paths: readonly string[],
  notes: readonly string[],
): ProjectNeeds {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  const all = new Set(paths);
  const tree: ProjectTexts = { text: (path) => texts.get(path), has: (path) => all.has(path) };
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
  const said =
    needs.run.length > 0 ? needs.notes.filter((note) => !isOfUnserved(note)) : needs.notes;
  return { ...needs, run: finishRun(needs, tree), notes: said };
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
  tree: ProjectTexts,
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
