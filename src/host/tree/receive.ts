import * as fs from 'node:fs/promises';
import { CloneboxError } from '../../core/errors.ts';
import type { Io } from '../../core/io.ts';
import type { Archive, Received } from '../../core/project-tree.ts';
import { draftName } from '../files.ts';
import { beneath, close, openName, statOf } from './descriptors.ts';
import { finishDirectories } from './finish-directories.ts';
import { moveIn, type Spot } from './move-in.ts';
import { removeBeneath } from './remove-beneath.ts';
import { unpack } from './unpack.ts';

/** Bytes after which it is told again how far it is. */
const transferStep = 1 << 20;

/** `ProjectTree.receive` of core/project-tree.ts. */
export async function receive(
  to: Spot & { readonly name: string },
  archive: Archive,
  io: Io,
): Promise<Received> {
  // A directory that is there may be a file system of its own, and the one around it not the user's.
  const there = await openDirectory(to);
  try {
    return await through(there ?? to.directory, to, { archive, io, isThere: there !== undefined });
  } finally {
    if (there !== undefined) await close(there);
  }
}

async function openDirectory({ directory, name }: Spot): Promise<number | undefined> {
  const found = await openName(directory, name);
  if (found === undefined || (await statOf(found)).isDirectory()) return found;
  await close(found);
  return undefined;
}

/** By way of a private directory in `around`, which is gone at the end. */
async function through(
  around: number,
  to: Spot & { readonly name: string },
  { archive, io, isThere }: { archive: Archive; io: Io; isThere: boolean },
): Promise<Received> {
  const draft = draftName();
  await fs.mkdir(beneath(around, draft), { mode: 0o700 });
  try {
    const staging = await openName(around, draft);
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
      await expectSomething(staging);
      await moveIn({ directory: staging, name: 'top', path: to.path }, to);
      const { files, bytes, skipped, directories } = unpacked;
      // The directory that is only filled is the user's own: what it may and when it was made stay as they are.
      const isFilled = isThere && archive.fills === true;
      const ours = [...directories].filter(({ names }) => !isFilled || names.length > 1);
      await finishDirectories(to, ours);
      return { files, bytes, skipped };
    } finally {
      await close(staging);
    }
  } finally {
    await removeBeneath(around, draft);
  }
}

async function expectSomething(staging: number): Promise<void> {
  const top = await openName(staging, 'top');
  if (top !== undefined) return close(top);
  throw new CloneboxError(
    'guest-failed',
    'nothing was copied: the VM sent no file and no directory',
    {
      hint: 'Pipes, sockets and devices are not copied.',
    },
  );
}
