import * as fs from 'node:fs/promises';
import type { Io } from '../../core/io.ts';
import type { ProjectTree, Received } from '../../core/project-tree.ts';
import { draftName } from '../files.ts';
import { beneath, close, openName } from './descriptors.ts';
import { moveIn, type Spot } from './move-in.ts';
import { removeBeneath } from './remove-beneath.ts';
import { finishDirectories, unpack } from './unpack.ts';

/** `ProjectTree.receive` of core/project-tree.ts. */
export async function receive(
  to: Spot & { readonly name: string },
  archive: Parameters<ProjectTree['receive']>[1],
  io: Io,
): Promise<Received> {
  const draft = draftName();
  await fs.mkdir(beneath(to.directory, draft), { mode: 0o700 });
  try {
    const staging = await openName(to.directory, draft);
    if (staging === undefined) throw new Error(`${draft} is gone`);
    try {
      let told = 0;
      const onBytes = (done: number) => {
        if (done - told < transferStep) return;
        told = done;
        io.emit({ kind: 'transfer', what: to.path, done, total: undefined });
      };
      const unpacked = await unpack(archive.bytes, staging, { signal: io.signal, onBytes });
      await archive.whole();
      await moveIn({ directory: staging, name: 'top', path: to.path }, to);
      await finishDirectories(to, unpacked.directories);
      const { files, bytes, skipped } = unpacked;
      return { files, bytes, skipped };
    } finally {
      await close(staging);
    }
  } finally {
    await removeBeneath(to.directory, draft);
  }
}

/** Bytes after which it is told again how far it is. */
const transferStep = 1 << 20;
