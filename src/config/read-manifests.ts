import { type Manifests, packagesFor } from './manifests.ts';
import { readPackageJson } from './read-package-json.ts';
import { readProcfile } from './read-procfile.ts';

/** The texts of a project's manifests, as far as it has them. */
export interface ManifestFiles {
  readonly packageJson?: string | undefined;
  readonly requirements?: string | undefined;
  readonly pyproject?: string | undefined;
  readonly goMod?: string | undefined;
  readonly cargoToml?: string | undefined;
  readonly makefile?: string | undefined;
  readonly procfile?: string | undefined;
}

const python = ['python3', 'python3-venv', 'python3-pip'];

/** Every manifest: where its text is, what the file is called, who reads it. Later ones win over a name. */
const readers: readonly {
  readonly key: keyof ManifestFiles;
  readonly file: string;
  readonly read: (text: string, file: string) => Manifests;
}[] = [
  { key: 'packageJson', file: 'package.json', read: readPackageJson },
  { key: 'requirements', file: 'requirements.txt', read: presence(python, 'a Python project') },
  { key: 'pyproject', file: 'pyproject.toml', read: presence(python, 'a Python project') },
  { key: 'goMod', file: 'go.mod', read: presence(['golang-go'], 'a Go module') },
  { key: 'cargoToml', file: 'Cargo.toml', read: presence(['cargo'], 'a Rust package') },
  { key: 'makefile', file: 'Makefile', read: presence(['make'], 'it is built with make') },
  { key: 'procfile', file: 'Procfile', read: readProcfile },
];

const longest = 1024 ** 2;

/**
 * Reads manifests, and guesses little. Never throws: one that is broken, huge or binary is left out with a note.
 * A Procfile is written to be run, so its `web` goes before a start script.
 */
export function readManifests(files: ManifestFiles): Manifests {
  const parts = readers.map(({ key, file, read }) => readOne(files[key], file, read));
  const packages = parts.flatMap((part) => part.packages);
  const run = parts.flatMap((part) => part.run);
  return {
    packages: packages.filter(({ name }, index) => {
      return packages.findIndex((other) => other.name === name) === index;
    }),
    run: run.filter(({ name }, index) => {
      return run.findLastIndex((other) => other.name === name) === index;
    }),
    notes: parts.flatMap((part) => part.notes),
  };
}

function readOne(
  text: string | undefined,
  file: string,
  read: (text: string, file: string) => Manifests,
): Manifests {
  const left = (reason: string): Manifests => {
    return { packages: [], run: [], notes: [`${file} is left out: ${reason}`] };
  };
  if (text === undefined) return { packages: [], run: [], notes: [] };
  if (text.length > longest) return left('it is longer than 1 MiB');
  if (text.includes('\0')) return left('it is not text');
  return read(text, file);
}

/** A manifest whose being there says enough. */
function presence(names: readonly string[], reason: string) {
  return (_text: string, file: string): Manifests => ({
    packages: packagesFor(names, { source: file, confidence: 'likely', reason }),
    run: [],
    notes: [],
  });
}
