import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { HeldLock } from '../core/host.ts';
import type { Image, Images } from '../core/image.ts';
import type { Io } from '../core/io.ts';
import { bootstrap } from './bootstrap.ts';
import { type Building, type ImagesDeps, inBuilding } from './building.ts';
import { type CachedImage, findByReference, publish, readCache, toImage } from './cache.ts';
import { type Draft, sha256Text } from './manifest.ts';
import { parseReference, type Reference } from './reference.ts';
import { verifyImage } from './verify.ts';

type Make = (building: Building) => Promise<Draft>;

/** Takes a lock; when another process has it, says so and waits for as long as that takes. */
async function lockPatiently(
  { host, io }: ImagesDeps & { io: Io },
  path: string,
  what: string,
): Promise<HeldLock> {
  for (let tries = 0; ; tries++) {
    try {
      return await host.lock(path, io, { what });
    } catch (error) {
      if (!isCloneboxError(error, 'conflict')) throw error;
      const text = `another process is building ${what}; waiting`;
      if (tries === 0) io.emit({ kind: 'note', text });
      await host.sleep(250, io.signal);
    }
  }
}

/** Makes one image under the lock of its reference; `found` may say that another process just has. */
async function makeLocked(
  deps: ImagesDeps & { io: Io },
  reference: string,
  options: { found: () => Promise<CachedImage | undefined>; make: Make },
): Promise<CachedImage> {
  const { paths } = deps;
  const key = (await sha256Text(reference)).slice(0, 16);
  const lock = await lockPatiently(deps, `${paths.locks}/image-${key}.lock`, reference);
  try {
    const found = await options.found();
    if (found !== undefined) return found;
    return await inBuilding(deps, key, async (building) => {
      const draft = await options.make(building);
      await building.closeScratch();
      const all = await lockPatiently(deps, `${paths.locks}/images.lock`, 'the list of images');
      try {
        return await publish(deps, building.directory, draft);
      } finally {
        await all.release();
      }
    });
  } finally {
    await lock.release();
  }
}

/** The image cache below `paths.images`, as core/image.ts promises it (docs/images.md). */
export function createImages(deps: ImagesDeps): Images {
  const { host } = deps;

  async function make(reference: string, io: Io, anew: boolean): Promise<Image> {
    const parsed = parseReference(reference);
    const cached = await makeLocked({ ...deps, io }, reference, {
      found: async () => (anew ? undefined : findByReference(deps, reference)),
      make: (building) => build(parsed, { reference, building, io }),
    });
    return toImage(host, cached, reference);
  }

  async function build(
    parsed: Reference,
    options: { reference: string; building: Building; io: Io },
  ): Promise<Draft> {
    const { reference, building, io } = options;
    switch (parsed.kind) {
      case 'bootstrap':
        return bootstrap(host, io, { reference, release: parsed.release, building });
      default:
        throw new CloneboxError('not-found', `there is no image ${reference}`);
    }
  }

  return {
    resolveAuto: async () => 'bootstrap:debian:12',
    ensure: async (reference, io) => {
      const cached = await findByReference(deps, reference);
      if (cached === undefined) return make(reference, io, false);
      await verifyImage(host, io, cached);
      return toImage(host, cached, reference);
    },
    find: async (wanted) => {
      const byReference = await findByReference(deps, wanted);
      if (byReference !== undefined) return toImage(host, byReference, wanted);
      return undefined;
    },
    list: async () => {
      const images: Image[] = [];
      for (const cached of await readCache(deps)) images.push(await toImage(host, cached));
      return images;
    },
    pull: (reference, io) => make(reference, io, true),
    importFile: async () => {
      throw new CloneboxError('host-unable', 'not yet');
    },
    prune: async () => ({ removed: [], freed: 0 }),
  };
}
