import { join, resolve } from 'node:path';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { leavesTree } from '../core/project-tree.ts';
import { bootstrap } from './bootstrap.ts';
import { type Building, type ImagesDeps, inBuilding } from './building.ts';
import { type CachedImage, findByReference, publish } from './cache.ts';
import { keyOf, listLockPath, lockPath, lockPatiently } from './locks.ts';
import type { Draft } from './manifest.ts';
import type { Reference } from './reference.ts';
import { fromCatalogue, fromFile, fromUrl, stampOfSource } from './sources.ts';

type Deps = ImagesDeps & { io: Io };

/**
 * A reference as it is written down: paths absolute and without links, URLs normal. Fails with `refused` for a path that
 * is in a directory that others write to, and leads out of it.
 */
export async function canonical(
  deps: ImagesDeps,
  text: string,
  parsed: Reference,
): Promise<string> {
  switch (parsed.kind) {
    case 'file':
      return canonicalPath(deps, parsed.path);
    case 'url':
      return `${parsed.url}#sha256:${parsed.sha256}`;
    default:
      return text;
  }
}

async function canonicalPath({ host, findFloors }: ImagesDeps, written: string): Promise<string> {
  const path = resolve(written.replace(/^~(?=\/)/, host.user.home));
  const isFloor = (await findFloors?.()) ?? (() => false);
  const found = await host.openPlace(path, { isFloor });
  if (found.kind === 'outside') throw leavesTree(found.floor, found, 'Name the image itself.');
  // A source that is gone is still the name of the image that was made of it.
  if (found.kind !== 'place') return path;
  await found.parent.close();
  return found.facts === undefined ? path : join(found.parent.path, found.name);
}

/** The image of a reference that can be used as it is; a file that has changed since its import is none. */
export async function findCurrent(
  deps: ImagesDeps,
  reference: string,
  parsed: Reference,
): Promise<CachedImage | undefined> {
  const cached = await findByReference(deps, reference);
  if (cached === undefined || parsed.kind !== 'file') return cached;
  const now = await stampOfSource(deps.host, reference);
  const then = cached.references.find((known) => known.reference === reference)?.stamp;
  return now === undefined || now === then ? cached : undefined;
}

/** Makes the image of a reference in `building`. */
export async function build(
  deps: Deps,
  parsed: Reference,
  job: { reference: string; building: Building },
): Promise<Draft> {
  const { host, paths, io } = deps;
  const { reference, building } = job;
  const downloads = `${paths.downloads}/${keyOf(reference)}`;
  switch (parsed.kind) {
    case 'bootstrap':
      return bootstrap(host, io, { reference, building, release: parsed.release });
    case 'catalogue':
      return fromCatalogue(host, io, { ...job, downloads, name: parsed.name });
    case 'url':
      return fromUrl(host, io, { ...job, downloads, url: parsed.url, sha256: parsed.sha256 });
    case 'file':
      return fromFile(host, io, { ...job, path: reference, sha256: undefined });
    case 'name':
    case 'auto':
      throw new CloneboxError('not-found', `there is no image ${reference}`, {
        hint: `Import it first: clonebox image import FILE --name ${reference}`,
      });
  }
}

/** Makes one image under the lock of its reference, unless `found` says that another process just has. */
export async function makeLocked(
  deps: Deps,
  reference: string,
  options: {
    found: () => Promise<CachedImage | undefined>;
    make: (building: Building) => Promise<Draft>;
  },
): Promise<CachedImage> {
  const key = keyOf(reference);
  const lock = await lockPatiently(deps, lockPath(deps, key), reference);
  try {
    const existing = await options.found();
    if (existing !== undefined) return existing;
    return await inBuilding(deps, key, async (building) => {
      const draft = await options.make(building);
      await building.closeScratch();
      const list = await lockPatiently(deps, listLockPath(deps), 'the list of images');
      try {
        return await publish(deps, building.directory, draft);
      } finally {
        await list.release();
      }
    });
  } finally {
    await lock.release();
  }
}
