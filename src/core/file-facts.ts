/** What is known of a file or a directory without reading it. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'symlink' | 'socket' | 'other';
  readonly size: number;
  /** Bytes really allocated on the disk. */
  readonly allocated: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: number;
}

/** Parts of a text are written as they come. */
export type FileContent = string | Uint8Array | AsyncIterable<string>;

/** What tells two files or directories of this machine apart, whatever they are called. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** When it was made, in nanoseconds since the epoch: a number of an inode is given again. 0 where nobody knows. */
  readonly born: bigint;
}

/** A directory that is open: where it was reached, and which it is. */
export interface ReachedDirectory {
  readonly path: string;
  readonly identity: FileIdentity;
}
