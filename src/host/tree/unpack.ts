import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Headers } from 'tar-stream';
import { CloneboxError } from '../../core/errors.ts';
import { bytesAsText, leavesCopy, type Received } from '../../core/project-tree.ts';
import { leavingLinks, type TreeLink } from '../../lib/leaving-links.ts';
import { printable } from '../../lib/printable.ts';
import { beneath, close, isOneName, itself, openName, statOf } from './descriptors.ts';

const fresh = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** What a directory will have when all is in it, and in its place. */
export interface DirectoryFacts {
  /** Names from the top, as bytes. */
  readonly names: readonly Buffer[];
  readonly mode: number;
  /** In seconds since the epoch. */
  readonly modified: number;
}

export interface Unpacked extends Received {
  readonly directories: readonly DirectoryFacts[];
}

/**
 * Unpacks an archive that a guest has made, which may be anything, into an empty directory of ours: below the name `top` and
 * nowhere else, each name opened beneath the directory before it. Set-user-id and the like are taken off; pipes, sockets and
 * devices are left out and named. Fails with `refused` for an archive that would reach elsewhere or has links that do.
 */
export async function unpack(
  archive: AsyncIterable<Uint8Array>,
  into: number,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<Unpacked> {
  const [{ default: tar }, { pipeline }, { Readable: Stream }] = await Promise.all([
    import('tar-stream'),
    import('node:stream/promises'),
    import('node:stream'),
  ]);
  // Names are bytes: as text they would be changed where they are no UTF-8.
  const extract = tar.extract({ filenameEncoding: 'latin1' });
  const state: State = {
    into,
    files: 0,
    bytes: 0,
    skipped: [],
    links: [],
    directories: [],
    way: [],
  };
  const fed = pipeline(Stream.from(archive), extract, { signal });
  fed.catch(() => {});
  try {
    for await (const entry of extract) {
      await take(state, entry.header, entry as unknown as Readable);
      // Whatever was not read of it.
      entry.resume();
      onBytes(state.bytes);
    }
    await fed;
  } finally {
    await leave(state.way, 0);
  }
  const leaving = leavingLinks(state.links);
  if (leaving.length > 0) throw leavesCopy(leaving);
  const { files, bytes, skipped, directories } = state;
  return { files, bytes, skipped, directories };
}

/** An open directory of the archive, with the name by which it was entered. */
interface Entered {
  readonly name: Buffer;
  readonly descriptor: number;
}

/** Of an archive with extended headers also what those say. */
type Header = Headers & { readonly pax?: Readonly<Record<string, string>> | null };

interface State {
  readonly into: number;
  files: number;
  bytes: number;
  readonly skipped: string[];
  readonly links: TreeLink[];
  readonly directories: DirectoryFacts[];
  /** The directories down to that of the last entry: the next one is mostly in the same. */
  readonly way: Entered[];
}

async function take(state: State, header: Header, content: Readable): Promise<void> {
  const names = namesOf(asBytes(header.name, header.pax?.path));
  const name = names.at(-1) as Buffer;
  const modified = modifiedOf(header);
  const mode = (header.mode ?? 0o644) & 0o777;
  const directory = await enter(state, names.slice(0, -1));
  switch (header.type) {
    case 'directory':
      await makeDirectory(directory, name);
      state.directories.push({ names, mode, modified });
      return;
    case 'file':
    case 'contiguous-file':
      state.bytes += await writeFile(beneath(directory, name), content, { mode, modified });
      state.files += 1;
      return;
    case 'symlink': {
      const target = asBytes(header.linkname ?? '', header.pax?.linkpath);
      await made(name, fs.symlink(Buffer.from(target, 'latin1'), beneath(directory, name)));
      await fs.lutimes(beneath(directory, name), modified, modified);
      const path = names.slice(1).map(latin1).join('/');
      // One that was asked for itself has been followed there.
      if (path === '') throw leavesCopy([{ path: '.', target }]);
      state.links.push({ path, target });
      return;
    }
    case 'link': {
      await makeHardLink(
        state,
        names,
        namesOf(asBytes(header.linkname ?? '', header.pax?.linkpath)),
      );
      state.files += 1;
      return;
    }
    default:
      state.skipped.push(bytesAsText(names.slice(1).map(latin1).join('/')));
  }
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

/** In seconds. */
function modifiedOf({ mtime, pax }: Header): number {
  const seconds = Number(pax?.mtime ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : (mtime ?? new Date()).getTime() / 1000;
}

function latin1(name: Buffer): string {
  return name.toString('latin1');
}

/** The names of a path in the archive, the first of which is the top. Fails with `refused` for what leads elsewhere. */
function namesOf(path: string): Buffer[] {
  const names = path.split('/').filter((name, index) => name !== '' || index === 0);
  const bytes = names.map((name) => Buffer.from(name, 'latin1'));
  if (names[0] !== 'top' || !bytes.every(isOneName)) {
    throw new CloneboxError('refused', `nothing was copied: the VM sent ${bytesAsText(path)}`, {
      hint: 'That is no part of what was asked for. Look what answers in that VM.',
      facts: { path: bytesAsText(path) },
    });
  }
  return bytes;
}

/** The open directory of these names, made where they are not there. It stays open as long as the next one is in it. */
async function enter(state: State, names: readonly Buffer[]): Promise<number> {
  let same = 0;
  while (same < names.length && state.way[same]?.name.equals(names[same] as Buffer)) same += 1;
  await leave(state.way, same);
  for (const name of names.slice(same)) {
    const around = state.way.at(-1)?.descriptor ?? state.into;
    const descriptor = (await openName(around, name)) ?? (await makeAndOpen(around, name));
    if (!(await statOf(descriptor)).isDirectory()) {
      await close(descriptor);
      throw twice(name);
    }
    state.way.push({ name, descriptor });
  }
  return state.way.at(-1)?.descriptor ?? state.into;
}

async function leave(way: Entered[], length: number): Promise<void> {
  for (const { descriptor } of way.splice(length)) await close(descriptor);
}

async function makeAndOpen(around: number, name: Buffer): Promise<number> {
  await fs.mkdir(beneath(around, name), { mode: 0o700 });
  const descriptor = await openName(around, name);
  if (descriptor === undefined) throw twice(name);
  return descriptor;
}

async function makeDirectory(around: number, name: Buffer): Promise<void> {
  const there = await openName(around, name);
  if (there === undefined) return void (await fs.mkdir(beneath(around, name), { mode: 0o700 }));
  const isDirectory = (await statOf(there)).isDirectory();
  await close(there);
  if (!isDirectory) throw twice(name);
}

async function writeFile(
  path: Buffer,
  content: Readable,
  { mode, modified }: { mode: number; modified: number },
): Promise<number> {
  const handle = await made(path, fs.open(path, fresh, 0o600));
  let bytes = 0;
  try {
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      await handle.writeFile(chunk);
      bytes += chunk.length;
    }
    await handle.chmod(mode);
    await handle.utimes(modified, modified);
  } finally {
    await handle.close();
  }
  return bytes;
}

/** Of an earlier file of the archive: found by the same way, so that it is one of ours. */
async function makeHardLink(
  state: State,
  names: readonly Buffer[],
  target: readonly Buffer[],
): Promise<void> {
  const [name, old] = [names.at(-1) as Buffer, target.at(-1) as Buffer];
  const to = await enter(state, names.slice(0, -1));
  // A second way of its own: the first stays open beside it.
  const other: State = { ...state, way: [] };
  try {
    const from = await enter(other, target.slice(0, -1));
    const found = await openName(from, old);
    if (found === undefined) throw twice(old);
    const isFile = (await statOf(found)).isFile();
    await close(found);
    if (!isFile) throw twice(old);
    await made(name, fs.link(beneath(from, old), beneath(to, name)));
  } finally {
    await leave(other.way, 0);
  }
}

async function made<T>(name: Buffer, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw twice(name);
    throw error;
  }
}

function twice(name: Buffer): CloneboxError {
  const what = bytesAsText(latin1(name).replace(/^.*\//, ''));
  return new CloneboxError('refused', `nothing was copied: the VM sent ${what} as two things`, {
    hint: 'Something changes it all the time, or answers in place of tar. Look into that VM.',
    facts: { name: what },
  });
}

/** Gives directories their modes and times, the inner ones first. One that is gone meanwhile is left out. */
export async function finishDirectories(
  place: { directory: number; name: string },
  directories: readonly DirectoryFacts[],
): Promise<void> {
  for (const { names, mode, modified } of directories.toSorted(
    (a, b) => b.names.length - a.names.length,
  )) {
    const way: Buffer[] = [Buffer.from(place.name), ...names.slice(1)];
    const opened: number[] = [];
    try {
      for (const name of way) {
        const found = await openName(opened.at(-1) ?? place.directory, name);
        if (found === undefined) break;
        opened.push(found);
        if (!(await statOf(found)).isDirectory()) break;
      }
      const last = opened.at(-1);
      if (last === undefined || opened.length < way.length) continue;
      if (!(await statOf(last)).isDirectory()) continue;
      await fs.chmod(itself(last), mode);
      await fs.utimes(itself(last), modified, modified);
    } finally {
      for (const descriptor of opened) await close(descriptor);
    }
  }
}
