import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { isSafeTransport } from './reference.ts';

/** A cloud image of a vendor: where it is, and how its vendor lets one check it. */
export interface CatalogueEntry {
  /** Directory of the release, without a trailing slash. */
  readonly base: string;
  /** Debian's name of the architecture is written as `ARCH`. */
  readonly file: string;
  readonly checksums: { readonly file: string; readonly algorithm: 'sha256' | 'sha512' };
  /** Detached signature of the checksum file, and where its keys are on a machine that has them. */
  readonly signature:
    | { readonly file: string; readonly keyrings: readonly string[]; readonly package: string }
    | undefined;
}

/** Debian's `generic` variant: the smaller `genericcloud` has a kernel without 9p. Debian signs no cloud image. */
function debian(codename: string, release: string): CatalogueEntry {
  return {
    base: `https://cloud.debian.org/images/cloud/${codename}/latest`,
    file: `debian-${release}-generic-ARCH.qcow2`,
    checksums: { file: 'SHA512SUMS', algorithm: 'sha512' },
    signature: undefined,
  };
}

function ubuntu(codename: string, release: string): CatalogueEntry {
  return {
    base: `https://cloud-images.ubuntu.com/releases/${codename}/release`,
    file: `ubuntu-${release}-server-cloudimg-ARCH.img`,
    checksums: { file: 'SHA256SUMS', algorithm: 'sha256' },
    signature: {
      file: 'SHA256SUMS.gpg',
      keyrings: ['/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg'],
      package: 'ubuntu-keyring',
    },
  };
}

/** Images that are known by name. No digest is in here: the vendor's own checksum file counts. */
export const catalogue: Readonly<Record<string, CatalogueEntry>> = {
  'debian:12': debian('bookworm', '12'),
  'debian:13': debian('trixie', '13'),
  'ubuntu:22.04': ubuntu('jammy', '22.04'),
  'ubuntu:24.04': ubuntu('noble', '24.04'),
};

/** The entry with this name. Fails with `not-found` and the names there are. */
export function findEntry(name: string): CatalogueEntry {
  const entry = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
  if (entry !== undefined) return entry;
  throw new CloneboxError('not-found', `there is no image ${name}`, {
    hint: `Known by name: ${Object.keys(catalogue).join(', ')}`,
  });
}

/** Debian's name of this machine's architecture, which Ubuntu uses too. Fails with `host-unable` for others. */
export function architectureOf(host: Host): 'amd64' | 'arm64' {
  if (host.architecture === 'x64') return 'amd64';
  if (host.architecture === 'arm64') return 'arm64';
  throw new CloneboxError('host-unable', `there are no images for ${host.architecture}`);
}

/**
 * URL of a file beside the image. `CLONEBOX_IMAGE_MIRROR` replaces `https:/`: below it are directories named
 * after the vendor's host, as `wget --mirror` makes them. Fails with `refused` when it is neither https nor loopback.
 */
export function urlOf(host: Host, entry: CatalogueEntry, file: string): string {
  const mirror = host.env.CLONEBOX_IMAGE_MIRROR?.replace(/\/+$/, '');
  if (mirror && !isSafeTransport(mirror)) {
    throw new CloneboxError('refused', `CLONEBOX_IMAGE_MIRROR is not an https URL: ${mirror}`);
  }
  const base = mirror ? entry.base.replace('https:/', mirror) : entry.base;
  return `${base}/${file}`;
}
