import * as fs from 'node:fs/promises';
import { CloneboxError } from '../../core/errors.ts';
import { explained } from '../files.ts';
import {
  beneath,
  close,
  codeOf,
  itself,
  type Name,
  namesIn,
  openName,
  statOf,
} from './descriptors.ts';

/** A name in an open directory, and what people know it by. */
export interface Spot {
  readonly directory: number;
  readonly name: Name;
  readonly path: string;
}

type Kind = 'directory' | 'link' | 'file';

/**
 * Moves what was received into its place, one rename for each part that is not there yet; directories that are there are
 * filled up, files in them replaced. Whether all of it fits is found out before anything is moved: fails with `refused`
 * where a directory would go through a link, `conflict` where a directory and a file have one name.
 */
export async function moveIn(from: Spot, to: Spot): Promise<void> {
  await check(from, to);
  await move(from, to);
}

async function check(from: Spot, to: Spot): Promise<void> {
  await withBoth(from, to, async (source, target) => {
    if (target === undefined) return;
    if (source.kind !== 'directory') {
      if (target.kind === 'directory') throw misfit(to.path, 'a directory here, and a file there');
      return;
    }
    if (target.kind === 'file') throw misfit(to.path, 'a file here, and a directory there');
    if (target.kind === 'link') {
      throw new CloneboxError('refused', `${to.path} is a link here, and a directory there`, {
        hint: 'Remove the link, or copy to another place.',
        facts: { path: to.path },
      });
    }
    await explained(to.path, fs.access(itself(target.descriptor), fs.constants.W_OK));
    for (const name of await namesIn(source.descriptor))
      await check(within(from, source.descriptor, name), within(to, target.descriptor, name));
  });
}

async function move(from: Spot, to: Spot): Promise<void> {
  await withBoth(from, to, async (source, target) => {
    if (source.kind !== 'directory' || target?.kind !== 'directory') {
      await rename(from, to);
      return;
    }
    for (const name of await namesIn(source.descriptor))
      await move(within(from, source.descriptor, name), within(to, target.descriptor, name));
  });
}

async function rename(from: Spot, to: Spot): Promise<void> {
  try {
    await fs.rename(beneath(from.directory, from.name), beneath(to.directory, to.name));
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error;
    throw misfit(to.path, 'on another file system than what is around it');
  }
}

function within({ path }: Spot, directory: number, name: Name): Spot {
  return { directory, name, path: `${path}/${name}` };
}

interface Opened {
  readonly kind: Kind;
  readonly descriptor: number;
}

async function withBoth(
  from: Spot,
  to: Spot,
  action: (source: Opened, target: Opened | undefined) => Promise<void>,
): Promise<void> {
  const source = await opened(from);
  if (source === undefined) throw misfit(from.path, 'gone');
  try {
    const target = await opened(to);
    try {
      await action(source, target);
    } finally {
      if (target !== undefined) await close(target.descriptor);
    }
  } finally {
    await close(source.descriptor);
  }
}

async function opened({ directory, name }: Spot): Promise<Opened | undefined> {
  const descriptor = await openName(directory, name);
  if (descriptor === undefined) return undefined;
  const stat = await statOf(descriptor);
  const kind = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'link' : 'file';
  return { kind, descriptor };
}

function misfit(path: string, what: string): CloneboxError {
  return new CloneboxError('conflict', `${path} is ${what}`, {
    hint: 'Move it away, or copy to another place.',
    facts: { path },
  });
}
