import * as z from 'zod';
import type { Host } from '../core/host.ts';
import type { Paths } from '../core/store.ts';
import { vmFiles } from './paths.ts';
import { readRecord, storedNames } from './records.ts';
import { listTrash } from './trash.ts';

/** All that counts here of a record, whatever its version. */
const mention = z.looseObject({ image: z.looseObject({ digest: z.string() }) });

/**
 * The base image under every VM's disk, VMs in the trash as `trash/NAME-TIME`. When in doubt an image is in use: of
 * a damaged record everything that looks like a digest counts. Fails with `conflict` when a VM, outside the trash,
 * has a record that says nothing at all; without a record there is no disk yet.
 */
export async function imageDigests(place: {
  readonly host: Host;
  readonly paths: Paths;
}): Promise<{ name: string; digest: string }[]> {
  const { host, paths } = place;
  const found: { name: string; digest: string }[] = [];
  for (const name of await storedNames(host, paths)) {
    const digests = await digestsIn(host, paths.vm(name).record);
    // It says why, and what to do.
    if (digests?.length === 0) await readRecord(host, paths, name);
    for (const digest of digests ?? []) found.push({ name, digest });
  }
  for (const { path } of await listTrash(place)) {
    const name = path.slice(paths.home.length + 1);
    for (const digest of (await digestsIn(host, `${path}/${vmFiles.record}`)) ?? []) {
      found.push({ name, digest });
    }
  }
  return found;
}

async function digestsIn(host: Host, path: string): Promise<string[] | undefined> {
  const text = await host.files.readText(path).catch(() => '');
  if (text === undefined) return undefined;
  try {
    return [mention.parse(JSON.parse(text)).image.digest];
  } catch {
    return [...new Set(text.match(/\b[0-9a-f]{64}\b/g))];
  }
}
