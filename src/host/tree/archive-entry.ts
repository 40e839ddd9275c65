import type { Headers } from 'tar-stream';
import { CloneboxError } from '../../core/errors.ts';
import { bytesAsText } from '../../core/project-tree.ts';
import { printable } from '../../lib/printable.ts';
import { isOneName } from './descriptors.ts';

/** As deep as a tree may be: each level is an open descriptor while it is written, moved and removed. */
const deepest = 512;

/** In seconds: what a file system can tell, and more. */
const latest = 1e11;

/** What an entry of an archive says of itself, made safe. Names are bytes. */
export interface ArchiveEntry {
  readonly kind: 'directory' | 'file' | 'link' | 'hard-link' | 'special';
  /** From the top, which is the first. */
  readonly names: readonly Buffer[];
  readonly mode: number;
  readonly modified: Date | number;
  /** What a link says: its bytes, one character each. */
  readonly target: string;
}

/** Of an archive with extended headers also what those say. */
type Header = Headers & { readonly pax?: Readonly<Record<string, string>> | null };

const kinds: Readonly<Record<string, ArchiveEntry['kind']>> = {
  directory: 'directory',
  file: 'file',
  'contiguous-file': 'file',
  symlink: 'link',
  link: 'hard-link',
};

/** Fails with `refused` for a name that leads anywhere but below `top`, or a link that can be none. */
export function readEntry(header: Header): ArchiveEntry {
  const kind = kinds[header.type ?? 'file'] ?? 'special';
  const path = asBytes(header.name, header.pax?.path);
  const names = namesOf(path);
  const size = header.size ?? 0;
  if (!Number.isSafeInteger(size) || size < 0) throw nonsense(path);
  const target = asBytes(header.linkname ?? '', header.pax?.linkpath);
  if (kind === 'link' && (target === '' || target.includes('\0'))) throw nonsense(path);
  // Whose it was is not kept, so neither is what it may do as that one.
  return {
    kind,
    names,
    target,
    mode: (header.mode ?? 0o644) & 0o777,
    modified: modifiedOf(header),
  };
}

/** The names of a path in an archive, the first of which is `top`. Fails with `refused` for what leads elsewhere. */
export function namesOf(path: string): Buffer[] {
  const names = path.split('/').filter((name, index) => name !== '' || index === 0);
  const bytes = names.map((name) => Buffer.from(name, 'latin1'));
  if (names[0] !== 'top' || names.length > deepest || !bytes.every(isOneName)) throw nonsense(path);
  return bytes;
}

/** The name of an entry for people: from the top, without it. */
export function nameOf({ names }: Pick<ArchiveEntry, 'names'>): string {
  return (
    names
      .slice(1)
      .map((name) => name.toString('latin1'))
      .join('/') || '.'
  );
}

function nonsense(path: string): CloneboxError {
  const text = bytesAsText(path);
  return new CloneboxError('refused', `nothing was copied: the VM sent ${text}`, {
    hint: 'That is no part of what was asked for. Look what answers in that VM.',
    facts: { path: text },
  });
}

/** A name as bytes, one character each. One of an extended header has been decoded already, and may have lost what it was. */
function asBytes(name: string, extended: string | undefined): string {
  if (extended === undefined) return name;
  if (!extended.includes('\ufffd')) return Buffer.from(extended).toString('latin1');
  throw new CloneboxError('guest-failed', `a name is not UTF-8: ${printable(extended, 200)}`, {
    hint: 'Rename it in the VM, or pack it there with tar and copy that.',
    facts: { name: extended },
  });
}

/** In seconds, with their fraction; before 1970 as a date, since Node takes a negative number for now. */
function modifiedOf({ mtime, pax }: Header): Date | number {
  const said = Number(pax?.mtime ?? Number.NaN);
  const seconds = Number.isFinite(said) ? said : (mtime?.getTime() ?? Number.NaN) / 1000;
  if (!(Math.abs(seconds) < latest)) return new Date(0);
  return seconds < 0 ? new Date(seconds * 1000) : seconds;
}
