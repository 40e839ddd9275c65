import { basename, dirname } from 'node:path';
import { CloneboxError } from '../core/errors.ts';
import type { FileFacts } from '../core/file-facts.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { TreeHandle } from '../core/project-tree.ts';
import type { Building } from './building.ts';
import { architectureOf, findEntry, urlOf } from './catalogue.ts';
import { digestFile } from './checksums.ts';
import { explainFull, requireSpace } from './disk-space.ts';
import { discardPart, download } from './download.ts';
import { importDisk } from './import-disk.ts';
import type { Draft } from './manifest.ts';
import { fetchVendorDigest } from './vendor-digest.ts';

const foreign = { boot: { kind: 'firmware' }, setup: 'cloud-init' } as const;

interface Job {
  readonly reference: string;
  readonly building: Building;
  /** Where this reference's partial download is kept, without its file name. */
  readonly downloads: string;
}

/**
 * A vendor's cloud image, checked against the vendor's checksum file, and that against its signature where the
 * vendor signs and the keys are here. Fails with `refused` on any mismatch, and keeps nothing that did not match.
 */
export async function fromCatalogue(
  host: Host,
  io: Io,
  job: Job & { name: string },
): Promise<Draft> {
  const entry = findEntry(job.name);
  const file = entry.file.replace('ARCH', architectureOf(host));
  const url = urlOf(host, entry, file);
  io.emit({ kind: 'phase', id: 'image-download', title: `Downloading ${job.reference}` });
  io.emit({ kind: 'detail', text: `asking ${new URL(url).host} for checksums` });
  let sums = await fetchVendorDigest(host, io, { entry, file, building: job.building });
  const part = await fetchPart(host, io, { ...job, url, file });
  io.emit({ kind: 'detail', text: 'checking the digest' });
  const { algorithm } = entry.checksums;
  const found = await digestFile(host, io, { path: part, algorithm });
  // The vendor may have published a new image between checksums and image.
  if (found !== sums.digest)
    sums = await fetchVendorDigest(host, io, { entry, file, building: job.building });
  await requireDigest(host, { part, name: url, wanted: sums.digest, found });
  const disk = await takeIn(host, io, { part, name: url, building: job.building });
  const facts = { url, algorithm, vendorDigest: found, signature: sums.signature, ...disk };
  return { ...foreign, reference: job.reference, source: 'catalogue', facts };
}

/** A disk from any https URL whose digest the user gave. Fails with `refused` when it is another. */
export async function fromUrl(
  host: Host,
  io: Io,
  job: Job & { url: string; sha256: string },
): Promise<Draft> {
  const { url, sha256 } = job;
  const file = new URL(url).pathname.split('/').at(-1) || 'disk';
  io.emit({ kind: 'phase', id: 'image-download', title: `Downloading ${url}` });
  const part = await fetchPart(host, io, { ...job, file });
  io.emit({ kind: 'detail', text: 'checking the digest' });
  const found = await host.files.sha256(part, io);
  await requireDigest(host, { part, name: url, wanted: sha256, found });
  const disk = await takeIn(host, io, { part, name: url, building: job.building });
  return { ...foreign, reference: job.reference, source: 'url', facts: { url, ...disk } };
}

/** A copy of a local disk file; the file itself is only read. */
export async function fromFile(
  host: Host,
  io: Io,
  job: Omit<Job, 'downloads'> & { path: string; sha256: string | undefined },
): Promise<Draft> {
  const { path, building, sha256 } = job;
  const { directory } = building;
  const source = await openSource(host, path);
  try {
    const { facts } = source;
    io.emit({ kind: 'phase', id: 'image-import', title: `Importing ${path}` });
    await requireSpace(host, directory, facts.allocated);
    io.emit({ kind: 'detail', text: 'copying' });
    const space = { directories: [directory] as const, needed: facts.allocated };
    return await explainFull(host, space, async () => {
      // A copy first: what is checked must be what is used, and the file may change under us.
      const copy = `${directory}/source`;
      await copyOf(host, io, { ...source, copy });
      await host.files.setMode(copy, 0o600);
      const found = sha256 && (await host.files.sha256(copy, io));
      if (found !== sha256) throw wrongDigest(path, { wanted: sha256, found });
      const disk = await importDisk(host, io, { file: copy, name: path, directory });
      return {
        ...foreign,
        reference: job.reference,
        source: 'file',
        stamp: stampOf(facts),
        facts: { path, ...disk },
      };
    });
  } finally {
    await source.close();
  }
}

type Source = Extract<TreeHandle, { kind: 'file' }>;

/** Opens the file of exactly this path: a link that has come into it is not followed, a pipe not waited for. */
async function openSource(host: Host, path: string): Promise<Source> {
  const opened = await host.openTree(dirname(path));
  if (opened.kind === 'link') throw becameLink(path, opened.target);
  const tree = opened.kind === 'tree' ? opened.tree : undefined;
  const source = await tree?.openFile(basename(path)).finally(tree.close);
  switch (source?.kind) {
    case 'file':
      if (source.path === path) return source;
      await source.close();
      throw becameLink(path, source.path);
    case 'outside':
      throw becameLink(path, source.target);
    case 'not-a-file':
      throw new CloneboxError('refused', `${path} is not a regular file`, {
        hint: 'An image is a file: a qcow2 or raw disk.',
        facts: { path },
      });
    default:
      throw new CloneboxError('not-found', `there is no file ${path}`, {
        hint: 'What is in the cache already: clonebox image list',
        facts: { path },
      });
  }
}

function becameLink(path: string, target: string): CloneboxError {
  return new CloneboxError('refused', `${path} has become a link to ${target}`, {
    hint: 'Look who has put it there, then try again.',
    facts: { path },
  });
}

/** Where cp inherits the file. */
const sourceDescriptor = 9;

async function copyOf(
  host: Host,
  io: Io,
  { path, descriptor, copy }: Pick<Source, 'path' | 'descriptor'> & { copy: string },
): Promise<void> {
  const place = `/proc/self/fd/${sourceDescriptor}`;
  const argv = ['cp', '--reflink=auto', '--sparse=always', '--', place, copy];
  const inherit = { from: sourceDescriptor, own: [descriptor] };
  const { exitCode, stderr } = await host.run(argv, io, { env: { LC_ALL: 'C' }, inherit });
  if (exitCode === 0) return;
  throw new CloneboxError('host-unable', `could not copy ${path}`, { facts: { stderr } });
}

function stampOf(facts: FileFacts): string {
  return `${facts.size} ${facts.modified}`;
}

/** What tells that a source file is the same as at its import; `undefined` when it is gone. */
export async function stampOfSource(host: Host, path: string): Promise<string | undefined> {
  const opened = await host.openTree(dirname(path));
  if (opened.kind !== 'tree') return undefined;
  const facts = await opened.tree.entry(basename(path)).finally(opened.tree.close);
  return facts && stampOf(facts);
}

async function fetchPart(
  host: Host,
  io: Io,
  job: Job & { url: string; file: string },
): Promise<string> {
  const directory = job.downloads.slice(0, job.downloads.lastIndexOf('/'));
  await host.files.makeDirectory(directory);
  const name = job.file.replace(/[^A-Za-z0-9._-]/g, '_').slice(-80);
  const part = `${job.downloads}-${name}.part`;
  try {
    await explainFull(host, { directories: [directory], needed: 0 }, () =>
      download(host, io, { url: job.url, part, what: job.reference }),
    );
  } catch (error) {
    if (error instanceof CloneboxError && 'needed' in error.facts) await discardPart(host, part);
    throw error;
  }
  return part;
}

function wrongDigest(name: string, digests: { wanted: unknown; found: unknown }): CloneboxError {
  return new CloneboxError('refused', `${name} has the wrong digest`, {
    hint: 'It was damaged or changed on its way. What was fetched has been removed: try again.',
    facts: digests,
  });
}

async function requireDigest(
  host: Host,
  check: { part: string; name: string; wanted: string; found: string },
): Promise<void> {
  const { part, name, wanted, found } = check;
  if (found === wanted) return;
  await discardPart(host, part);
  throw wrongDigest(name, { wanted, found });
}

/** Moves a checked download into the building directory as its disk. */
async function takeIn(
  host: Host,
  io: Io,
  options: { part: string; name: string; building: Building },
): Promise<{ format: string; virtualSize: number }> {
  const { part, name, building } = options;
  const file = `${building.directory}/source`;
  await host.files.rename(part, file);
  await discardPart(host, part);
  const space = { directories: [building.directory] as const, needed: 0 };
  return explainFull(host, space, () =>
    importDisk(host, io, { file, name, directory: building.directory }),
  );
}
