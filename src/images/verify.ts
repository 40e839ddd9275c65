import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { type Manifest, namesOf } from './manifest.ts';

const Stamp = z.record(z.string(), z.object({ size: z.number(), modified: z.number() }));
type Stamp = z.infer<typeof Stamp>;

/** Size and time of an image's files: `verified.json` says that these had the right digests. */
export async function stampOf(host: Host, directory: string, manifest: Manifest): Promise<Stamp> {
  const stamp: Stamp = {};
  for (const name of namesOf(manifest)) {
    const facts = await host.files.facts(`${directory}/${name}`);
    if (facts !== undefined) stamp[name] = { size: facts.size, modified: facts.modified };
  }
  return stamp;
}

/**
 * Proves that an image's files are those of its manifest: by size and time when they were digested before, by
 * digest otherwise or with `full`. Fails with `refused` and the name of the file that is not.
 */
export async function verifyImage(
  host: Host,
  io: Io,
  image: { directory: string; manifest: Manifest; full?: boolean },
): Promise<void> {
  const { directory, manifest } = image;
  const stampFile = `${directory}/verified.json`;
  const stamp = await stampOf(host, directory, manifest);
  const written = JSON.stringify(stamp);
  const names = namesOf(manifest);
  const complete = names.every((name) => stamp[name]?.size === manifest.files[name]?.size);
  if (complete && !image.full && (await host.files.readText(stampFile)) === written) return;

  io.emit({ kind: 'phase', id: 'image-verify', title: `Verifying ${manifest.reference}` });
  for (const name of names) {
    const path = `${directory}/${name}`;
    const wanted = manifest.files[name]?.sha256;
    const found = stamp[name] === undefined ? 'no file' : await host.files.sha256(path, io);
    if (found === wanted) continue;
    throw new CloneboxError('refused', `${path} is not what was stored: its digest is wrong`, {
      hint: `Make or fetch it again: clonebox image pull ${manifest.reference}`,
      facts: { file: path, wanted, found },
    });
  }
  await host.files.writeAtomic(stampFile, written);
}
