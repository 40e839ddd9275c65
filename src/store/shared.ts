import * as z from 'zod';
import type { ReachedDirectory } from '../core/file-facts.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { Paths } from '../core/store.ts';
import { sha256 } from '../lib/sha256.ts';

const sharedFile = z.looseObject({ version: z.literal(1), directories: z.array(z.string()) });

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/** Remembers directories that guests write to from now on, for longer than their VMs are there. May be repeated. */
export async function rememberShared(
  { host, paths }: Place,
  directories: readonly ReachedDirectory[],
  io: Io,
): Promise<void> {
  const digests = directories.flatMap(digestsOf);
  const isNew = (known: ReadonlySet<string>) => digests.some((digest) => !known.has(digest));
  if (!isNew(await readShared({ host, paths }))) return;
  await host.files.makeDirectory(paths.home, 0o700);
  const held = await host.lock(`${paths.shared}.lock`, io, {
    what: 'the list of shared directories',
    wait: 10_000,
  });
  try {
    const known = await readShared({ host, paths });
    if (!isNew(known)) return;
    const content = { version: 1, directories: [...new Set([...known, ...digests])] };
    await host.files.writeAtomic(paths.shared, `${JSON.stringify(content, undefined, 2)}\n`);
  } finally {
    await held.release();
  }
}

/** Whether a guest could ever write to a directory. A list that cannot be read knows none. */
export async function wasShared(place: Place): Promise<(directory: ReachedDirectory) => boolean> {
  const known = await readShared(place);
  return (directory) => digestsOf(directory).some((digest) => known.has(digest));
}

/** A digest of its path, and one of what it is wherever it was moved: the number of a device changes with a restart. */
function digestsOf({ path, identity: { device, inode, born } }: ReachedDirectory): string[] {
  return [path, born === 0n ? `inode ${device} ${inode}` : `inode ${inode} of ${born}`].map(sha256);
}

/** Directories are there by digests: after a `delete --purge` nothing names the VM that had it. */
async function readShared({ host, paths }: Place): Promise<ReadonlySet<string>> {
  const text = await host.files.readText(paths.shared);
  try {
    return new Set(sharedFile.parse(JSON.parse(text ?? '')).directories);
  } catch {
    return new Set();
  }
}
