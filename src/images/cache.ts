import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Image } from '../core/image.ts';
import type { Io } from '../core/io.ts';
import type { ImagesDeps } from './building.ts';
import { type Draft, digestOf, Manifest, References } from './manifest.ts';
import { stampOf, verifyImage } from './verify.ts';

const imageFiles = ['disk.qcow2', 'kernel', 'initrd'] as const;

/** An image on disk with everything that is written down about it. */
export interface CachedImage {
  readonly directory: string;
  readonly manifest: Manifest;
  /** Every reference it was made or fetched under, with the time, newest first. */
  readonly references: References;
}

async function readJson(host: Host, path: string): Promise<unknown> {
  const text = await host.files.readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readImage(host: Host, directory: string): Promise<CachedImage | undefined> {
  const manifest = Manifest.safeParse(await readJson(host, `${directory}/manifest.json`));
  if (!manifest.success) return undefined;
  const read = References.safeParse(await readJson(host, `${directory}/references.json`));
  const { reference, created } = manifest.data;
  const references = read.success ? read.data : [{ reference, at: created }];
  return { directory, manifest: manifest.data, references };
}

/** All images of the cache, the newest first. Directories without a readable manifest are left out. */
export async function readCache({ host, paths }: ImagesDeps): Promise<CachedImage[]> {
  const found: CachedImage[] = [];
  for (const name of await host.files.list(paths.images)) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const image = await readImage(host, `${paths.images}/${name}`);
    if (image !== undefined) found.push(image);
  }
  const newest = (image: CachedImage): string => image.references[0]?.at ?? image.manifest.created;
  return found.sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
}

/** The newest image with this reference. */
export async function findByReference(
  deps: ImagesDeps,
  reference: string,
): Promise<CachedImage | undefined> {
  let best: { image: CachedImage; at: string } | undefined;
  for (const image of await readCache(deps)) {
    const at = image.references.find((known) => known.reference === reference)?.at;
    if (at !== undefined && (best === undefined || at > best.at)) best = { image, at };
  }
  return best?.image;
}

/** What the rest of CloneBox sees of a cached image. */
export async function toImage(host: Host, cached: CachedImage, reference?: string): Promise<Image> {
  const { directory, manifest, references } = cached;
  let size = 0;
  for (const name of imageFiles) {
    size += (await host.files.facts(`${directory}/${name}`))?.allocated ?? 0;
  }
  return {
    digest: manifest.digest,
    reference: reference ?? references[0]?.reference ?? manifest.reference,
    disk: `${directory}/disk.qcow2`,
    boot:
      manifest.boot.kind === 'firmware'
        ? { kind: 'firmware' }
        : { ...manifest.boot, kernel: `${directory}/kernel`, initrd: `${directory}/initrd` },
    setup: manifest.setup,
    created: manifest.created,
    size,
  };
}

/**
 * Makes a finished building directory an image: digests, manifest, modes, fsync, rename. The same content that is
 * there already only gets the new reference; a damaged copy of it is replaced. The caller holds the lock of all images.
 */
export async function publish(
  deps: ImagesDeps & { io: Io },
  directory: string,
  draft: Draft,
): Promise<CachedImage> {
  const { host, paths, io } = deps;
  io.emit({ kind: 'detail', text: 'computing digests' });
  const manifest = await seal(host, io, { directory, draft });
  const place = `${paths.images}/${manifest.digest}`;
  const known = await readImage(host, place);
  const { reference, stamp } = draft;
  const mention = { reference, at: manifest.created, stamp };
  if (known !== undefined && (await isSound(host, io, known))) {
    const others = known.references.filter((other) => other.reference !== mention.reference);
    const references = [mention, ...others];
    await host.files.writeAtomic(`${place}/references.json`, JSON.stringify(references));
    return { ...known, references };
  }
  await host.files.writeAtomic(`${directory}/references.json`, JSON.stringify([mention]));
  await host.files.sync(directory);
  if ((await host.files.facts(place)) !== undefined) await discard(deps, manifest.digest);
  await host.files.rename(directory, place);
  await host.files.sync(paths.images);
  io.log.info('images.published', { digest: manifest.digest, reference: draft.reference });
  return { directory: place, manifest, references: [mention] };
}

async function isSound(host: Host, io: Io, image: CachedImage): Promise<boolean> {
  try {
    await verifyImage(host, io, { ...image, full: true });
    return true;
  } catch (error) {
    if (error instanceof CloneboxError && error.code === 'refused') return false;
    throw error;
  }
}

async function seal(
  host: Host,
  io: Io,
  options: { directory: string; draft: Draft },
): Promise<Manifest> {
  const { directory, draft } = options;
  const files: Manifest['files'] = {};
  const present: string[] = [];
  for (const name of imageFiles) {
    const path = `${directory}/${name}`;
    const facts = await host.files.facts(path);
    if (facts === undefined) continue;
    files[name] = { sha256: await host.files.sha256(path, io), size: facts.size };
    await host.files.setMode(path, 0o400);
    present.push(path);
  }
  await host.run(['sync', '--', ...present], io);
  const created = new Date(host.now()).toISOString();
  const manifest: Manifest = {
    version: 1,
    digest: digestOf(files),
    created,
    files,
    ...draft,
  };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await host.files.writeAtomic(`${directory}/manifest.json`, text, 0o400);
  const verified = await stampOf(host, directory, manifest);
  await host.files.writeAtomic(`${directory}/verified.json`, JSON.stringify(verified));
  return manifest;
}

/** Takes an image out of sight at once, then removes it. Returns the bytes freed. */
export async function discard({ host, paths }: ImagesDeps, digest: string): Promise<number> {
  const away = `${paths.images}/.removing-${crypto.randomUUID()}`;
  await host.files.rename(`${paths.images}/${digest}`, away);
  return removeCounting(host, away);
}

/** Removes a file or a flat directory and returns the bytes that were allocated. */
export async function removeCounting(host: Host, path: string): Promise<number> {
  let freed = (await host.files.facts(path))?.allocated ?? 0;
  for (const name of await host.files.list(path)) {
    freed += (await host.files.facts(`${path}/${name}`))?.allocated ?? 0;
  }
  await host.files.remove(path);
  return freed;
}
