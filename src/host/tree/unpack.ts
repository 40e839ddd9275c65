import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CloneboxError } from '../../core/errors.ts';
import { bytesAsText, leavesCopy, type Received } from '../../core/project-tree.ts';
import { leavingLinks, type TreeLink } from '../../lib/leaving-links.ts';
import { type ArchiveEntry, nameOf, namesOf, readEntry } from './archive-entry.ts';
import { beneath, close, openName, statOf } from './descriptors.ts';
import type { DirectoryFacts } from './finish-directories.ts';

const fresh = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Bytes in a row that may be neither an entry nor the content of a file: names, and what fills up the last record. */
const mostUntold = 4 << 20;

/** So many of what is left out are told by their names. */
const mostSkipped = 1000;

export interface Unpacked extends Received {
  readonly directories: Iterable<DirectoryFacts>;
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
    directories: new Map(),
    way: [],
    untold: 0,
    onBytes,
  };
  const fed = pipeline(Stream.from(watched(archive, state)), extract, { signal });
  fed.catch(() => {});
  try {
    for await (const entry of extract) {
      state.untold = 0;
      await take(state, readEntry(entry.header), entry as unknown as Readable);
      // Whatever was not read of it.
      entry.resume();
    }
    await fed;
  } finally {
    await leave(state.way, 0);
  }
  const leaving = leavingLinks(state.links);
  if (leaving.length > 0) throw leavesCopy(leaving);
  const { files, bytes, skipped, directories } = state;
  return { files, bytes, skipped, directories: directories.values() };
}

/** The parser keeps a name whole, however long it says that it is, and reads on for ever where nothing comes: not here. */
async function* watched(
  archive: AsyncIterable<Uint8Array>,
  state: State,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of archive) {
    state.untold += chunk.length;
    if (state.untold > mostUntold) {
      throw new CloneboxError('refused', 'nothing was copied: the VM sends no end of nothing', {
        hint: 'Something answers in place of tar. Look into that VM.',
      });
    }
    yield chunk;
  }
}

/** An open directory of the archive, with the name by which it was entered. */
interface Entered {
  readonly name: Buffer;
  readonly descriptor: number;
}

interface State {
  readonly into: number;
  files: number;
  bytes: number;
  readonly skipped: string[];
  readonly links: TreeLink[];
  /** By their names: one may come more than once. */
  readonly directories: Map<string, DirectoryFacts>;
  /** The directories down to that of the last entry: the next one is mostly in the same. */
  readonly way: Entered[];
  untold: number;
  readonly onBytes: (bytes: number) => void;
}

async function take(state: State, entry: ArchiveEntry, content: Readable): Promise<void> {
  const { names, mode, modified, target } = entry;
  const name = names.at(-1) as Buffer;
  const directory = await enter(state, names.slice(0, -1));
  switch (entry.kind) {
    case 'directory':
      await makeDirectory(directory, name);
      state.directories.set(nameOf(entry), { names, mode, modified });
      return;
    case 'file':
      await writeFile(state, entry, { directory, content });
      state.files += 1;
      return;
    case 'link':
      // One that was asked for itself has been followed there.
      if (names.length === 1) throw leavesCopy([{ path: '.', target }]);
      await made(name, fs.symlink(Buffer.from(target, 'latin1'), beneath(directory, name)));
      await fs.lutimes(beneath(directory, name), modified, modified);
      state.links.push({ path: nameOf(entry), target });
      return;
    case 'hard-link':
      await makeHardLink(state, names, namesOf(target));
      state.files += 1;
      return;
    case 'special':
      if (state.skipped.length < mostSkipped) state.skipped.push(bytesAsText(nameOf(entry)));
  }
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
  state: State,
  { names, mode, modified }: ArchiveEntry,
  { directory, content }: { directory: number; content: Readable },
): Promise<void> {
  const name = names.at(-1) as Buffer;
  const handle = await made(name, fs.open(beneath(directory, name), fresh, 0o600));
  try {
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      await handle.writeFile(chunk);
      state.untold = 0;
      state.bytes += chunk.length;
      state.onBytes(state.bytes);
    }
    await handle.chmod(mode);
    await handle.utimes(modified, modified);
  } finally {
    await handle.close();
  }
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
  const what = bytesAsText(name.toString('latin1'));
  return new CloneboxError('refused', `nothing was copied: the VM sent ${what} as two things`, {
    hint: 'Something changes it all the time, or answers in place of tar. Look into that VM.',
    facts: { name: what },
  });
}
