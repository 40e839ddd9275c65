import type { HeldLock } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { buildingKeys, type ImagesDeps, removeAbandoned } from './building.ts';
import { type CachedImage, discard, readCache, removeCounting } from './cache.ts';
import { keyOf, listLockPath, lockPath, lockPatiently, tryLock } from './locks.ts';

type Deps = ImagesDeps & { io: Io };

/**
 * Removes the images whose digests are not in `inUse`, what builders left that died, and with `all` partial
 * downloads. Whatever a living process is making, fetching or replacing stays.
 */
export async function prune(
  deps: Deps,
  inUse: ReadonlySet<string>,
  options: { all: boolean },
): Promise<{ removed: string[]; freed: number }> {
  const removed: string[] = [];
  let freed = 0;
  const count = (name: string, bytes: number): void => {
    removed.push(name);
    freed += bytes;
  };
  const list = await lockPatiently(deps, listLockPath(deps), 'the list of images');
  try {
    for (const image of await readCache(deps)) {
      const { digest } = image.manifest;
      if (inUse.has(digest)) continue;
      await whenIdle(deps, keysOf(image), async () => count(digest, await discard(deps, digest)));
    }
    await removeBroken(deps, inUse, count);
  } finally {
    await list.release();
  }
  await removeAllAbandoned(deps, count);
  if (options.all) await removePartial(deps, count);
  return { removed, freed };
}

/** Removes what builders and removals left that died. */
export async function sweep(deps: Deps): Promise<void> {
  const { host, paths } = deps;
  const list = await lockPatiently(deps, listLockPath(deps), 'the list of images');
  try {
    for (const name of await host.files.list(paths.images)) {
      if (name.startsWith('.removing-')) await removeCounting(host, `${paths.images}/${name}`);
    }
  } finally {
    await list.release();
  }
  await removeAllAbandoned(deps, () => {});
}

async function removeAllAbandoned(
  deps: Deps,
  count: (name: string, bytes: number) => void,
): Promise<void> {
  for (const key of await buildingKeys(deps)) {
    await whenIdle(deps, [key], async () => {
      for (const { name, bytes } of await removeAbandoned(deps, key)) count(name, bytes);
    });
  }
}

function keysOf(image: CachedImage): string[] {
  return image.references.map(({ reference }) => keyOf(reference));
}

/** Runs `action` with the locks of all these keys, or not at all when another process has one. */
async function whenIdle(
  deps: Deps,
  keys: readonly string[],
  action: () => Promise<void>,
): Promise<void> {
  const held: HeldLock[] = [];
  try {
    for (const key of new Set(keys)) {
      const lock = await tryLock(deps, lockPath(deps, key));
      if (lock === undefined) return;
      held.push(lock);
    }
    await action();
  } finally {
    for (const lock of held) await lock.release();
  }
}

/** Directories without a readable manifest, and images whose removal was interrupted. */
async function removeBroken(
  deps: Deps,
  inUse: ReadonlySet<string>,
  count: (name: string, bytes: number) => void,
): Promise<void> {
  const { host, paths } = deps;
  const whole = new Set((await readCache(deps)).map(({ manifest }) => manifest.digest));
  for (const name of await host.files.list(paths.images)) {
    const leftover = name.startsWith('.removing-');
    const broken = /^[0-9a-f]{64}$/.test(name) && !whole.has(name) && !inUse.has(name);
    if (leftover || broken) count(name, await removeCounting(host, `${paths.images}/${name}`));
  }
}

async function removePartial(
  deps: Deps,
  count: (name: string, bytes: number) => void,
): Promise<void> {
  const { host, paths } = deps;
  for (const name of await host.files.list(paths.downloads)) {
    const key = /^([0-9a-f]{16})-.*\.part(\.json)?$/.exec(name)?.[1];
    if (key === undefined) continue;
    await whenIdle(deps, [key], async () => {
      count(name, await removeCounting(host, `${paths.downloads}/${name}`));
    });
  }
}
