import type { ReachedDirectory } from '../core/file-facts.ts';
import type { Host } from '../core/host.ts';
import type { Io, Log } from '../core/io.ts';
import type { Paths } from '../core/store.ts';
import { namespaceWrap } from './bootstrap-mode.ts';

export interface ImagesDeps {
  readonly host: Host;
  readonly paths: Paths;
  /** Tells the directories that others write to (`Host.openPlace`): what is named in one is in it. Default: none. */
  readonly findFloors?: () => Promise<(directory: ReachedDirectory) => boolean | Promise<boolean>>;
}

/** A directory in which an image is made, on the file system where it will stay. */
export interface Building {
  readonly directory: string;
  /** A fresh directory outside of the user's home, which subordinate users can enter (see below). */
  openScratch(): Promise<string>;
  /** Removes the scratch directory again, if there is one. */
  closeScratch(): Promise<void>;
}

const scratchName = /\/clonebox-[0-9a-f]{16}$/;

/** Cleaning up must also work after Ctrl-C, when the caller's signal is aborted already. */
function withoutSignal(log: Log): Io {
  return { signal: new AbortController().signal, log, emit: () => {} };
}

function randomName(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}

/**
 * Runs `action` with a directory `.building-KEY-…` beside the images; what is left of it goes away afterwards,
 * whether it succeeded, failed or was interrupted. The caller holds the lock of `key`, so that a directory of an
 * earlier builder of the same thing is abandoned, and is removed first.
 */
export async function inBuilding<T>(
  deps: ImagesDeps & { io: Io },
  key: string,
  action: (building: Building) => Promise<T>,
): Promise<T> {
  const { host, paths, io } = deps;
  const { files } = host;
  await files.makeDirectory(paths.images);
  await removeAbandoned(deps, key);
  const directory = `${paths.images}/.building-${key}-${randomName()}`;
  await files.makeDirectory(directory);
  try {
    return await action({
      directory,
      openScratch: () => openScratch(host, directory),
      closeScratch: () => removeScratch(host, directory, io.log),
    });
  } finally {
    await removeBuilding(host, directory, io.log);
  }
}

/**
 * mmdebstrap's root file system belongs to subordinate users, who cannot pass through a 0700 home directory:
 * it is made in the temporary directory, 0711, and its place is written down so that anyone can clean up.
 * /var/tmp rather than /tmp, which is often memory.
 */
async function openScratch(host: Host, directory: string): Promise<string> {
  const parent = (host.env.TMPDIR || '/var/tmp').replace(/\/+$/, '');
  const path = `${parent}/clonebox-${randomName()}`;
  await host.files.writeAtomic(`${directory}/scratch`, path);
  await host.files.makeDirectory(path);
  await host.files.setMode(path, 0o711);
  return path;
}

async function removeScratch(host: Host, directory: string, log: Log): Promise<void> {
  const scratch = await host.files.readText(`${directory}/scratch`);
  if (scratch !== undefined && scratchName.test(scratch)) await removeTree(host, scratch, log);
  await host.files.remove(`${directory}/scratch`);
}

async function removeBuilding(host: Host, directory: string, log: Log): Promise<void> {
  await removeScratch(host, directory, log);
  await removeTree(host, directory, log);
}

/** Removes a tree, also one whose files belong to this user's subordinate ids. */
async function removeTree(host: Host, path: string, log: Log): Promise<void> {
  try {
    await host.files.remove(path);
  } catch (error) {
    const wrap = host.user.uid === 0 ? undefined : await namespaceWrap(host);
    if (wrap === undefined) throw error;
    const io = withoutSignal(log);
    const { exitCode } = await host.run([...wrap, 'rm', '-rf', '--', path], io);
    if (exitCode !== 0) throw error;
  }
}

/** Keys of the builds whose directories are there, whoever made them. */
export async function buildingKeys(deps: ImagesDeps): Promise<string[]> {
  const names = await deps.host.files.list(deps.paths.images);
  const keys = names.map((name) => /^\.building-([0-9a-f]+)-/.exec(name)?.[1]);
  return [...new Set(keys.filter((key) => key !== undefined))];
}

/** Removes the directories of one key, whose lock the caller holds; returns their names and sizes. */
export async function removeAbandoned(
  deps: ImagesDeps & { io: Io },
  key: string,
): Promise<{ name: string; bytes: number }[]> {
  const { host, paths, io } = deps;
  const removed: { name: string; bytes: number }[] = [];
  for (const name of await host.files.list(paths.images)) {
    if (!name.startsWith(`.building-${key}-`)) continue;
    const directory = `${paths.images}/${name}`;
    const usage = await host.run(['du', '-s', '-B1', '--', directory], io);
    await removeBuilding(host, directory, io.log);
    removed.push({ name, bytes: Number.parseInt(usage.stdout, 10) || 0 });
  }
  return removed;
}
