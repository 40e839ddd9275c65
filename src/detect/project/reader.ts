import type { ProjectNeeds } from '../../core/needs.ts';

/** A file of a project, by its path from the project's directory: `package.json`, `api/package.json`. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

/** What a reader may look at beside its own files. Nothing of it is ever run. */
export interface ProjectTexts {
  /** The text of a file at the top, `undefined` when there is none or it cannot be read as text. */
  text(path: string): string | undefined;
  /** Whether there is a file or directory of this path from the top. Known for the top and one level below. */
  has(path: string): boolean;
}

/**
 * Reads the files of one ecosystem. A pure function of texts, which may be of any quality: what is not understood becomes
 * a note, never an exception. `files` are those that `wants` has said yes to, those at the top first.
 */
export interface ProjectReader {
  /** The ecosystem or the kind of file: `node`, `compose`. */
  readonly name: string;
  /** Kinds of findings that only count where no other reader has any. */
  readonly lastChoice?: readonly ('run' | 'services' | 'setup' | 'tools')[];
  /** Whether a file is to be read, by its path from the project's directory. */
  wants(path: string): boolean;
  read(files: readonly ProjectFile[], tree: ProjectTexts): Partial<ProjectNeeds>;
}
