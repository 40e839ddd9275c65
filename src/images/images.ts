import { CloneboxError } from '../core/errors.ts';
import type { Image, Images } from '../core/image.ts';
import type { Io } from '../core/io.ts';
import { likelyAuto, resolveAuto } from './auto.ts';
import type { ImagesDeps } from './building.ts';
import { findByReference, readCache, toImage } from './cache.ts';
import { build, canonical, findCurrent, makeLocked } from './make.ts';
import { prune, sweep } from './prune.ts';
import { isImportName, parseReference } from './reference.ts';
import { fromFile } from './sources.ts';
import { verifyImage } from './verify.ts';

/** The image cache below `paths.images`, as core/image.ts promises it; docs/images.md tells what is on disk. */
export function createImages(deps: ImagesDeps): Images {
  const { host } = deps;

  async function obtain(text: string, io: Io, anew: boolean): Promise<Image> {
    const wanted = text === 'auto' ? await resolveAuto(deps, io) : text;
    const parsed = parseReference(wanted);
    const reference = await canonical(deps, wanted, parsed);
    const found = async () => (anew ? undefined : findCurrent(deps, reference, parsed));
    let cached = await found();
    cached ??= await makeLocked({ ...deps, io }, reference, {
      found,
      make: (building) => build({ ...deps, io }, parsed, { reference, building }),
    });
    await verifyImage(host, io, cached);
    return toImage(host, cached, reference);
  }

  async function find(wanted: string): Promise<Image | undefined> {
    const digest = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(wanted)?.[1];
    const reference = await canonicalOrSame(wanted);
    const byReference = await findByReference(deps, reference);
    if (byReference !== undefined) return toImage(host, byReference, reference);
    if (digest === undefined) return undefined;
    const images = await readCache(deps);
    const [first, ...others] = images.filter(({ manifest }) => manifest.digest.startsWith(digest));
    if (others.length > 0) throw ambiguous(digest);
    return first && toImage(host, first);
  }

  async function canonicalOrSame(text: string): Promise<string> {
    try {
      return await canonical(deps, text, parseReference(text));
    } catch {
      return text;
    }
  }

  async function importFile(
    path: string,
    io: Io,
    options: { name?: string | undefined; digest?: string | undefined },
  ): Promise<Image> {
    const { name, digest } = options;
    if (name !== undefined && !isImportName(name)) {
      throw new CloneboxError('usage', `not a name for an image: ${name}`, {
        hint: 'Small letters, digits, dots, dashes; not the form of another reference.',
      });
    }
    const sha256 = /^sha256:([0-9a-f]{64})$/i.exec(digest ?? '')?.[1]?.toLowerCase();
    if (digest !== undefined && sha256 === undefined) {
      throw new CloneboxError('usage', `not a digest: ${digest}`, { hint: 'sha256:HEX' });
    }
    const source = await canonical(deps, path, { kind: 'file', path });
    const reference = name ?? source;
    const cached = await makeLocked({ ...deps, io }, reference, {
      found: async () => undefined,
      make: (building) => fromFile(host, io, { reference, building, path: source, sha256 }),
    });
    return toImage(host, cached, reference);
  }

  return {
    resolveAuto: (io) => resolveAuto(deps, io),
    likelyAuto: () => likelyAuto(deps),
    ensure: (reference, io) => obtain(reference, io, false),
    find,
    list: async () => {
      const images: Image[] = [];
      for (const cached of await readCache(deps)) images.push(await toImage(host, cached));
      return images;
    },
    pull: (reference, io) => obtain(reference, io, true),
    importFile,
    sweep: (io) => sweep({ ...deps, io }),
    prune: (inUse, io, options) => prune({ ...deps, io }, inUse, options),
  };
}

function ambiguous(digest: string): CloneboxError {
  return new CloneboxError('usage', `several images begin with ${digest}`, {
    hint: 'Give more of the digest: clonebox image list',
  });
}
