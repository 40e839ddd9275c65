import type { BootSpec } from './driver.ts';
import type { Io } from './io.ts';

/** A base image: immutable, content-addressed, shared by every VM made from it. */
export interface Image {
  /** sha256 over the digests of its files: the name of its directory. */
  readonly digest: string;
  /** What the user typed to get it: `debian:12`, `bootstrap:debian:12`, a path, a URL. */
  readonly reference: string;
  readonly disk: string;
  readonly boot: BootSpec;
  /** `agent`: no cloud-init run needed, identity goes in over the agent. `cloud-init`: wants a NoCloud seed at first boot. */
  readonly setup: 'agent' | 'cloud-init';
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Bytes allocated on disk. */
  readonly size: number;
}

export type ImageSource = 'bootstrap' | 'catalogue' | 'file' | 'url';

/** The image cache. Two processes asking for one image make it once; the second waits and says so. */
export interface Images {
  /** What `auto` means on this host: fixed at creation and written down. Contacts the vendor for at most 5 s. */
  resolveAuto(io: Io): Promise<string>;
  /** What `auto` most likely means, told at once: nobody is asked. */
  likelyAuto(): Promise<string>;
  /** The image, made or fetched when it is not there; verified before it is returned. */
  ensure(reference: string, io: Io): Promise<Image>;
  /** The image in the cache under this reference or digest (or its beginning), without making anything. */
  find(referenceOrDigest: string): Promise<Image | undefined>;
  list(): Promise<Image[]>;
  /** Makes the image again even if there is one; the older one stays until pruned. */
  pull(reference: string, io: Io): Promise<Image>;
  /** Copies a disk file in. Fails with `refused` when it has a backing or data file. `digest` is `sha256:HEX` of the file. */
  importFile(
    path: string,
    io: Io,
    options: { name?: string | undefined; digest?: string | undefined },
  ): Promise<Image>;
  /** Removes what builders and removals left that died; an image that is being made stays. */
  sweep(io: Io): Promise<void>;
  /** Removes images not in `inUse` (digests), abandoned partial work and, with `all`, partial downloads. */
  prune(
    inUse: ReadonlySet<string>,
    io: Io,
    options: { all: boolean },
  ): Promise<{ removed: string[]; freed: number }>;
}
