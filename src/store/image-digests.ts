import * as z from 'zod';
import type { Host } from '../core/host.ts';
import type { Foundation, Paths } from '../core/store.ts';
import { vmFiles } from './paths.ts';
import { readRecord, storedNames } from './records.ts';
import { listTrash } from './trash.ts';

/** All that counts here of a record, whatever its version. */
const mention = z.looseObject({
  image: z.looseObject({ digest: z.string() }),
  template: z.looseObject({ key: z.string(), warm: z.string().optional() }).optional(),
});

/**
 * The base image under every VM's disk, VMs in the trash as `trash/NAME-TIME`. When in doubt an image is in use: of
 * a damaged record everything that looks like a digest counts. Fails with `conflict` when a VM, outside the trash,
 * has a record that says nothing at all; without a record there is no disk yet.
 */
export async function imageDigests(place: {
  readonly host: Host;
  readonly paths: Paths;
}): Promise<Foundation[]> {
  const { host, paths } = place;
  const found: Foundation[] = [];
  for (const name of await storedNames(host, paths)) {
    const mentions = await mentionsIn(host, paths.vm(name).record);
    // It says why, and what to do.
    if (mentions?.length === 0) await readRecord(host, paths, name);
    for (const one of mentions ?? []) found.push({ name, ...one });
  }
  for (const { path } of await listTrash(place)) {
    const name = path.slice(paths.home.length + 1);
    for (const one of (await mentionsIn(host, `${path}/${vmFiles.record}`)) ?? []) {
      found.push({ name, ...one });
    }
  }
  return found;
}

async function mentionsIn(
  host: Host,
  path: string,
): Promise<Omit<Foundation, 'name'>[] | undefined> {
  const text = await host.files.readText(path).catch(() => '');
  if (text === undefined) return undefined;
  try {
    const { image, template } = mention.parse(JSON.parse(text));
    const stands = template && { key: template.key, warm: template.warm };
    return [{ digest: image.digest, ...(stands && { template: stands }) }];
  } catch {
    return [...new Set(text.match(/\b[0-9a-f]{64}\b/g))].map((digest) => ({ digest }));
  }
}
