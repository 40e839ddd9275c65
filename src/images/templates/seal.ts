import * as z from 'zod';
import type { Extent } from '../../core/driver.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { StoredFiles } from './manifest.ts';
import { sparseDigest } from './sparse-digest.ts';

const Stamp = z.record(z.string(), z.object({ size: z.number(), modified: z.number() }));

/** Makes files immutable and durable, and digests them. `written` is where there is anything in a RAM among them. */
export async function seal(
  host: Host,
  io: Io,
  {
    directory,
    names,
    written,
  }: { directory: string; names: readonly string[]; written?: readonly Extent[] },
): Promise<Record<string, { sha256: string; size: number }>> {
  const files: Record<string, { sha256: string; size: number }> = {};
  for (const name of names) {
    const path = `${directory}/${name}`;
    await host.files.sync(path);
    const facts = await host.files.facts(path);
    files[name] = {
      sha256: await digestOf(host, io, { path, name, written }),
      size: facts?.size ?? 0,
    };
  }
  return files;
}

/** Writes down that the files of a directory had the right digests, as they are now. */
export async function stamp(host: Host, directory: string, files: StoredFiles): Promise<void> {
  const text = JSON.stringify(await stampOf(host, directory, files));
  await host.files.writeAtomic(`${directory}/verified.json`, text);
}

/**
 * The first file that is not what was stored, and why; `undefined` when all are. What was digested before is told by
 * size and time.
 */
export async function findDamage(
  host: Host,
  io: Io,
  { directory, files }: { directory: string; files: StoredFiles },
): Promise<string | undefined> {
  const now = await stampOf(host, directory, files);
  for (const [name, stored] of Object.entries(files)) {
    const size = now[name]?.size;
    if (size === undefined) return `${name} is missing`;
    if (size !== stored.size) return `${name} has ${size} bytes and not ${stored.size}`;
  }
  const before = await host.files.readText(`${directory}/verified.json`);
  if (before === JSON.stringify(now)) return undefined;
  for (const [name, { sha256 }] of Object.entries(files)) {
    io.emit({ kind: 'detail', text: `verifying ${name}` });
    if ((await digestOf(host, io, { path: `${directory}/${name}`, name })) !== sha256)
      return `${name} has another digest than when it was stored`;
  }
  await stamp(host, directory, files);
  return undefined;
}

function digestOf(
  host: Host,
  io: Io,
  file: { path: string; name: string; written?: readonly Extent[] | undefined },
): Promise<string> {
  return file.name === 'ram' ? sparseDigest(host, io, file) : host.files.sha256(file.path, io);
}

async function stampOf(
  host: Host,
  directory: string,
  files: StoredFiles,
): Promise<z.infer<typeof Stamp>> {
  const now: z.infer<typeof Stamp> = {};
  for (const name of Object.keys(files)) {
    const facts = await host.files.facts(`${directory}/${name}`);
    if (facts !== undefined) now[name] = { size: facts.size, modified: facts.modified };
  }
  return now;
}
