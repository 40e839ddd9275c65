import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { Building } from './building.ts';
import { type CatalogueEntry, urlOf } from './catalogue.ts';
import { fetchText, parseChecksums, verifySignature } from './checksums.ts';

/**
 * The digest a vendor publishes for a file of the catalogue, from its checksum file, whose signature is checked
 * when there is one and its keys are here. Fails with `refused` when the signature is not good.
 */
export async function fetchVendorDigest(
  host: Host,
  io: Io,
  options: { entry: CatalogueEntry; file: string; building: Building },
): Promise<{ digest: string; signature: string }> {
  const { entry, file, building } = options;
  const url = urlOf(host, entry, entry.checksums.file);
  const bytes = await fetchText(host, io, url);
  const signature = await checkSignature(host, io, { entry, bytes, url, building });
  const digest = parseChecksums(new TextDecoder().decode(bytes), file);
  if (digest === undefined) {
    throw new CloneboxError('host-unable', `${url} does not list ${file}`, {
      facts: { url, file },
    });
  }
  return { digest, signature };
}

async function checkSignature(
  host: Host,
  io: Io,
  options: { entry: CatalogueEntry; bytes: Uint8Array; url: string; building: Building },
): Promise<string> {
  const { entry, bytes, url, building } = options;
  if (entry.signature === undefined) return 'the vendor signs none';
  const keyring = await findKeyring(host, entry.signature.keyrings);
  if (keyring === undefined) {
    const fix = `sudo apt install ${entry.signature.package}, or set CLONEBOX_IMAGE_KEYRING`;
    io.emit({ kind: 'warning', text: `the signature is not checked: no keyring here (${fix})` });
    return 'not checked: no keyring';
  }
  const work = `${building.directory}/work`;
  await host.files.makeDirectory(work);
  const paths = { file: `${work}/sums`, signature: `${work}/sums.gpg` };
  await host.files.writeAtomic(paths.file, bytes);
  const detached = await fetchText(host, io, urlOf(host, entry, entry.signature.file));
  await host.files.writeAtomic(paths.signature, detached);
  await verifySignature(host, io, { keyring, ...paths, url });
  await host.files.remove(work);
  return `good, by ${keyring}`;
}

async function findKeyring(host: Host, places: readonly string[]): Promise<string | undefined> {
  const chosen = host.env.CLONEBOX_IMAGE_KEYRING;
  if (chosen) return chosen;
  for (const place of places) {
    if ((await host.files.facts(place)) !== undefined) return place;
  }
  return undefined;
}
