/** A file, directory or link for the guest, with the owner and mode it shall have. */
export interface GuestFile {
  /** Absolute path in the guest. */
  readonly path: string;
  readonly content?: string;
  /** In the place of `content`: what may be no text. */
  readonly bytes?: Uint8Array;
  readonly link?: string;
  readonly directory?: boolean;
  /** Default 0644, directories 0755. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * The files as one tar archive: a single process in the guest then puts all of them in place with the right owners,
 * where a chmod and chown for each would cost a process each (docs/lab.md).
 */
export async function packFiles(files: readonly GuestFile[]): Promise<Uint8Array> {
  // Its default alone: names of a CommonJS package are found by Node, and not in the bundle.
  const { default: tar } = await import('tar-stream');
  const archive = tar.pack();
  for (const file of files) {
    const { uid = 0, gid = 0 } = file;
    const type = file.link !== undefined ? 'symlink' : file.directory ? 'directory' : 'file';
    archive.entry(
      {
        name: file.path.replace(/^\/+/, ''),
        type,
        mode: file.mode ?? (file.directory ? 0o755 : 0o644),
        uid,
        gid,
        // The plain header ends at 262143, where a directory service may begin.
        ...(Math.max(uid, gid) > 0o777777 && { pax: { uid: String(uid), gid: String(gid) } }),
        mtime: new Date(),
        ...(file.link !== undefined && { linkname: file.link }),
      },
      type === 'file'
        ? file.bytes === undefined
          ? (file.content ?? '')
          : Buffer.from(file.bytes)
        : undefined,
    );
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
