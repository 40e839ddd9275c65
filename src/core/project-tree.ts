import { CloneboxError } from './errors.ts';
import type { FileContent, FileFacts } from './host.ts';

/** What tells two files or directories of this machine apart, whatever they are called. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** What stands at a path of a tree, links followed for as long as they stay in it. */
export type TreeNode =
  | { readonly kind: 'there'; readonly path: string; readonly facts: FileFacts }
  | { readonly kind: 'absent' }
  /** A link to nothing, or links in a circle. */
  | { readonly kind: 'dangling' }
  /** `link` is the one that leads out of the tree, and `target` what it says. */
  | { readonly kind: 'outside'; readonly link: string; readonly target: string };

/** What came of reading a file of a tree. */
export type TreeFile =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly facts: FileFacts;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'not-a-file'; readonly facts: FileFacts }
  | { readonly kind: 'too-large'; readonly facts: FileFacts }
  | Exclude<TreeNode, { kind: 'there' }>;

/**
 * A directory that a guest, or whoever wrote a project, may change at any moment, held by its descriptor. Everything below
 * it is opened beneath that descriptor, one name after the other, so that no rename and no link can make it something
 * else. Paths are from the directory; a link is followed by us, and only where it stays inside. Errors of the system are
 * explained as those of `Files`.
 */
export interface ProjectTree {
  /** Where it was when it was opened: canonical, for people and for guests. Never to be opened by. */
  readonly path: string;
  /** Open for as long as the tree: a program that inherits it has the very directory at /proc/self/fd/N. */
  readonly descriptor: number;
  readonly identity: FileIdentity;
  /** What is there. */
  look(path: string): Promise<TreeNode>;
  /** As `look`, of the name itself: a link is told as one. `undefined` when nothing is there. */
  entry(path: string): Promise<FileFacts | undefined>;
  /** The names in a directory, sorted; none where there is no directory or where it is outside. */
  list(path?: string): Promise<string[]>;
  /**
   * A regular file of at most `limit` bytes. It is read once: the same tree answers the same for the same path from then
   * on, whatever becomes of the file, until the tree itself writes there.
   */
  read(path: string, limit: number): Promise<TreeFile>;
  /** A directory of it as a tree of its own; `undefined` where there is none. Close it when done. */
  openDirectory(path: string): Promise<ProjectTree | undefined>;
  /**
   * Writes a file that is not there yet, synced: whole, or not at all. Fails with `conflict` when something is there,
   * with `refused` when it would be outside, with `not-found` without a directory for it.
   */
  writeNew(path: string, content: FileContent, mode: number): Promise<void>;
  /** As `writeNew`, and in the place of a file that is there. A link that stays inside goes on to be one. */
  replace(path: string, content: FileContent, mode: number): Promise<void>;
  /** Removes what writers that are gone have left half written in a directory. */
  sweepDrafts(isGone: (pid: number) => Promise<boolean>, path?: string): Promise<void>;
  /** Closes the descriptor; may be repeated. A tree that is kept until the process ends need not be closed. */
  close(): Promise<void>;
}

/** What came of opening a directory as a tree. */
export type OpenedTree =
  | { readonly kind: 'tree'; readonly tree: ProjectTree }
  | { readonly kind: 'absent' }
  | { readonly kind: 'not-a-directory' }
  /** `link` is a part of the path that leads elsewhere now, and `target` what it says. */
  | { readonly kind: 'link'; readonly link: string; readonly target: string };

/** A file or directory that a user has named, held by the directory it is in. */
export type OpenedPlace =
  | {
      readonly kind: 'place';
      /** The directory that it is in, links resolved. Close it when done. */
      readonly parent: ProjectTree;
      /** Its name there. `.` is the root of the file system. */
      readonly name: string;
      /** `undefined` when nothing of that name is there yet. */
      readonly facts: FileFacts | undefined;
      /** The innermost directory around it that others may write to. */
      readonly floor: string | undefined;
    }
  | { readonly kind: 'absent'; readonly missing: string }
  | { readonly kind: 'dangling' }
  | {
      readonly kind: 'outside';
      readonly link: string;
      readonly target: string;
      readonly floor: string;
    };

/** Why a path was not followed: one of its links leads out of the directory that it has to stay in. */
export function leavesTree(
  tree: string,
  { link, target }: { link: string; target: string },
  hint = 'Put the file or directory itself there.',
): CloneboxError {
  return new CloneboxError('refused', `${link} is a link that leads out of ${tree}, to ${target}`, {
    hint,
    facts: { path: link, target, within: tree },
  });
}

/** True when both are the same file or directory. */
export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}
