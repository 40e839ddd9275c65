import type { Io } from '../core/io.ts';
import { bootstrapReferences } from './bootstrap.ts';
import type { ImagesDeps } from './building.ts';
import { findByReference } from './cache.ts';
import { catalogue, findEntry, urlOf } from './catalogue.ts';

const fallback = 'debian:12';
const probeLimit = 5000;

/** `ID:VERSION_ID` of os-release(5), when the catalogue has it. */
export function ownRelease(osRelease: string): string | undefined {
  const field = (key: string): string =>
    new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  const name = `${field('ID')}:${field('VERSION_ID')}`;
  return Object.hasOwn(catalogue, name) ? name : undefined;
}

/**
 * What `auto` means here and now: the host's own release, else Debian 12; from the vendor when it is in the cache or
 * the vendor answers within 5 s, else built from this machine's apt sources. Never fails for want of a network.
 */
export async function resolveAuto(deps: ImagesDeps, io: Io): Promise<string> {
  const name = await likelyAuto(deps);
  if ((await findByReference(deps, name)) !== undefined) return name;
  io.emit({ kind: 'detail', text: `is the vendor of ${name} within reach?` });
  if (await answers(deps, io, name)) return name;
  const own = `bootstrap:${name}`;
  return bootstrapReferences.includes(own) ? own : `bootstrap:${fallback}`;
}

/** The host's own release when there is an image of it, else Debian 12. */
export async function likelyAuto({ host }: ImagesDeps): Promise<string> {
  const osRelease =
    (await host.files.readText('/etc/os-release')) ??
    (await host.files.readText('/usr/lib/os-release')) ??
    '';
  return ownRelease(osRelease) ?? fallback;
}

async function answers({ host }: ImagesDeps, io: Io, name: string): Promise<boolean> {
  const entry = findEntry(name);
  const url = urlOf(host, entry, entry.checksums.file);
  const enough = new AbortController();
  const bounded: Io = { ...io, signal: AbortSignal.any([io.signal, enough.signal]) };
  try {
    const response = await host.fetch(url, bounded, { timeout: probeLimit });
    return response.status === 200;
  } catch (error) {
    io.signal.throwIfAborted();
    io.log.info('images.vendor.unreachable', { url, reason: String(error) });
    return false;
  } finally {
    enough.abort();
  }
}
