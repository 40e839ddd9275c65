import * as z from 'zod';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { Paths, TrustEntry } from '../core/store.ts';

const trustFile = z.looseObject({
  version: z.literal(1),
  projects: z.record(z.string(), z.looseObject({ digest: z.string(), at: z.string() })),
});

interface Place {
  readonly host: Host;
  readonly paths: Paths;
}

/** True when exactly this reach of a project was confirmed before. A file that cannot be read trusts nobody. */
export async function isTrusted(place: Place, entry: TrustEntry): Promise<boolean> {
  return (await readProjects(place))[entry.project]?.digest === entry.digest;
}

/** Remembers that the reach of a project was confirmed, in the place of what was confirmed for it before. */
export async function rememberTrust(place: Place, entry: TrustEntry, io: Io): Promise<void> {
  const { host, paths } = place;
  await host.files.makeDirectory(paths.home, 0o700);
  const held = await host.lock(`${paths.trust}.lock`, io, {
    what: 'the list of trust',
    wait: 10_000,
  });
  try {
    const at = new Date(host.now()).toISOString();
    const known = await readProjects(place);
    const projects = { ...known, [entry.project]: { digest: entry.digest, at } };
    const content = JSON.stringify({ version: 1, projects }, undefined, 2);
    await host.files.writeAtomic(paths.trust, `${content}\n`);
  } finally {
    await held.release();
  }
}

async function readProjects({
  host,
  paths,
}: Place): Promise<z.infer<typeof trustFile>['projects']> {
  const text = await host.files.readText(paths.trust);
  try {
    return trustFile.parse(JSON.parse(text ?? '')).projects;
  } catch {
    return {};
  }
}
