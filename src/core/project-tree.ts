import type { TreeLink } from '../lib/leaving-links.ts';
import { printable } from '../lib/printable.ts';
import { CloneboxError } from './errors.ts';
import type { FileContent, FileFacts, FileIdentity, ReachedDirectory } from './file-facts.ts';
import type { Io } from './io.ts';
import type { SharedPath } from './shared-path.ts';

/** Where links end that are not followed. */
export type NotFollowed =
  /** A link to nothing, or links in a circle. */
  | { readonly kind: 'dangling' }
  /** `link` is the one that leads out of the directory `floor`, and `target` what it says. */
  | {
      readonly kind: 'outside';
      readonly link: string;
      readonly target: string;
      readonly floor: string;
    };

/** What stands at a path of a tree, links followed for as long as they stay in it. */
export type TreeNode =
  | { readonly kind: 'there'; readonly path: string; readonly facts: FileFacts }
  | { readonly kind: 'absent' }
  | NotFollowed;

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

/** What came of opening a file of a tree. */
export type TreeHandle =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly facts: FileFacts;
      /** Open for reading. */
      readonly descriptor: number;
      close(): Promise<void>;
    }
  | Exclude<TreeFile, { kind: 'file' | 'too-large' }>;

/**
 * A directory that a guest, or whoever wrote a project, may change at any moment, held by its descriptor. Everything below
 * it is opened beneath that descriptor, one name after the other, so that no rename and no link can make it something
 * else. Paths are from the directory; a link is followed by us, and only where it stays inside. Errors of the system are
 * explained as those of `Files`.
 */
export interface ProjectTree {
  /** Where it was when it was opened: canonical, for people and for guests. Never to be opened by. */
  readonly path: SharedPath;
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
  /** A regular file of any size, for a program that inherits its descriptor. Close it when done. */
  openFile(path: string): Promise<TreeHandle>;
  /** A directory of it as a tree of its own; `undefined` where there is none. Close it when done. */
  openDirectory(path: string): Promise<ProjectTree | undefined>;
  /**
   * Writes a file that is not there yet, synced: whole, or not at all. Fails with `conflict` when something is there,
   * with `refused` when it would be outside, with `not-found` without a directory for it.
   */
  writeNew(path: string, content: FileContent, mode: number): Promise<void>;
  /** As `writeNew`, and in the place of a file that is there. A link that stays inside goes on to be one. */
  replace(path: string, content: FileContent, mode: number): Promise<void>;
  /** What is in it, counted, up to so many names: changes nothing. */
  survey(io: Pick<Io, 'signal'>, options: SurveyOptions): Promise<TreeSurvey>;
  /** Its files that have other names outside of it. Changes nothing. */
  findLinkedElsewhere(io: Pick<Io, 'signal'>): Promise<LinkedElsewhere>;
  /**
   * Gives each of these files a content of its own, in place; the names outside keep the old one. A file is whole at every
   * moment. Cut short, some are done and some are not; may be repeated.
   */
  takeApart(linked: LinkedElsewhere, io: Pick<Io, 'signal'>): Promise<void>;
  /**
   * Unpacks an archive of tar, whose entries are below `top`, into a private directory, then moves `top` in as a file or
   * directory of this name: what is there is replaced or filled up. The private directory is in the one of this name, or
   * beside where there is none yet. The archive may be a guest's and anything: fails with `refused` for one that would reach
   * elsewhere, or has links that lead out of what it holds, and nothing is there then.
   */
  receive(name: string, archive: Archive, io: Io): Promise<Received>;
  /** Removes what writers that are gone have left half written in a directory. */
  sweepDrafts(isGone: (pid: number) => Promise<boolean>, path?: string): Promise<void>;
  /** Closes the descriptor; may be repeated. A tree that is kept until the process ends need not be closed. */
  close(): Promise<void>;
}

/** A project that is opened when something of it is asked for: the same tree each time. */
export interface ProjectDoor {
  readonly path: SharedPath;
  /** Fails with `not-found` when the directory is gone, with `refused` when a link is in its path now. */
  open(): Promise<ProjectTree>;
}

export interface SurveyOptions {
  /** Whether links are followed, wherever they lead. */
  readonly follow: boolean;
  /** Names after which no more are counted; default: none are too many. */
  readonly most?: number;
}

/** What is below a directory. Names are bytes, one character each. */
export interface TreeSurvey {
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
  /** False when there was more than was counted. */
  readonly isWhole: boolean;
  readonly links: readonly TreeLink[];
  /** Pipes, sockets and devices. */
  readonly special: readonly string[];
  /** Links that lead nowhere or in a circle; only when they were followed. */
  readonly broken: readonly string[];
  /** The directories that were gone into and the links that were followed, by their whole paths; only when they were. */
  readonly gone: { readonly into: readonly ReachedDirectory[]; readonly by: readonly string[] };
}

/** Files of a tree that have other names outside of it (hard links): to write to them is to write there. */
export interface LinkedElsewhere {
  readonly files: number;
  /** What they would take if they were taken apart. */
  readonly bytes: number;
  readonly keys: ReadonlySet<string>;
}

/** What comes from a guest. */
export interface Archive {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Fails when what sends it says at its end that it is not all of it. */
  whole(): Promise<void>;
  /** What is in the directory is wanted, not it: one that is there keeps its own mode and time. */
  readonly fills?: boolean;
}

/** What was received. */
export interface Received {
  readonly files: number;
  readonly bytes: number;
  /** What is neither file, directory nor link, and was left out. */
  readonly skipped: readonly string[];
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
  | NotFollowed;

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

/** A name that is kept as bytes, one character each, for people to read. */
export function bytesAsText(bytes: string): string {
  return printable(Buffer.from(bytes, 'latin1').toString('utf8'), 200);
}

/** Why nothing is copied: links of it lead out of it. */
export function leavesCopy(leaving: readonly TreeLink[]): CloneboxError {
  const lines = leaving.map(({ path, target }) => `${bytesAsText(path)} -> ${bytesAsText(target)}`);
  const shown = lines.slice(0, 5).map((line) => `  ${line}`);
  const more = lines.length > shown.length ? [`  and ${lines.length - shown.length} more`] : [];
  const what = lines.length === 1 ? 'a link leads' : `${lines.length} links lead`;
  const message = `nothing was copied: ${what} out of what is copied`;
  return new CloneboxError('refused', [message, ...shown, ...more].join('\n'), {
    hint: 'Remove them; or, into a VM, copy what they lead to in their place: --follow-links',
    facts: { links: lines.slice(0, 100) },
  });
}

/** True when both are the same file or directory. */
export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}
