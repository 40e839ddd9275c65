import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { FileFacts, ReachedDirectory } from '../../core/file-facts.ts';
import type {
  OpenedPlace,
  OpenedTree,
  ProjectTree,
  TreeFile,
  TreeHandle,
} from '../../core/project-tree.ts';
import { isToProgram } from '../../lib/leaving-links.ts';
import { explained, isMissing } from '../files.ts';
import { close, factsOf, identityOf, itself, open, readdir, statOf } from './descriptors.ts';
import { receive } from './receive.ts';
import { surveyTree } from './survey.ts';
import { findLinkedElsewhere, takeApart } from './take-apart.ts';
import { sweepDrafts, writeFile } from './tree-files.ts';
import { type Step, type Walked, walk } from './walk.ts';

/** open(2): a directory as a place, by the way of the kernel from a descriptor that is open. */
const sameDirectory = 0o10000000 | constants.O_DIRECTORY;

/** Read at once of what a file has grown by. */
const furtherBytes = 64 * 1024;

/**
 * Opens a directory as a tree. A part of the path that is a link is told, not followed: what was judged by its canonical path
 * is this very directory. With `links: 'follow'` the path is made canonical first.
 */
export async function openTree(
  path: string,
  { links }: { links: 'follow' | 'refuse' } = { links: 'refuse' },
): Promise<OpenedTree> {
  const wanted = links === 'follow' ? await canonical(path) : path;
  if (wanted === undefined) return { kind: 'absent' };
  return explained(
    path,
    fromRoot((root) =>
      walk({ from: root, path: wanted, links: 'refuse' }, async (walked): Promise<OpenedTree> => {
        switch (walked.kind) {
          case 'there':
            if (!walked.stat.isDirectory()) return { kind: 'not-a-directory' };
            return { kind: 'tree', tree: await treeAt(walked) };
          case 'outside':
            return { kind: 'link', link: walked.link, target: walked.target };
          default:
            return { kind: 'absent' };
        }
      }),
    ),
  );
}

/**
 * Finds what a user has named, following the user's own links, up to the first directory that is a floor: nothing in there
 * leads out of it again.
 */
export async function openPlace(
  path: string,
  {
    isFloor,
    toWrite = false,
  }: {
    isFloor: (directory: ReachedDirectory) => boolean | Promise<boolean>;
    toWrite?: boolean;
  },
): Promise<OpenedPlace> {
  const follows = toWrite ? (target: string) => !isToProgram(target) : undefined;
  return explained(
    path,
    fromRoot((root) =>
      walk(
        { from: root, path, links: 'follow', isFloor, follows },
        async (walked): Promise<OpenedPlace> => {
          if (walked.kind === 'dangling' || walked.kind === 'outside') return walked;
          const parent = walked.parent ?? (walked.kind === 'there' ? root : undefined);
          if (parent === undefined) return { kind: 'absent', missing: walked.path };
          return {
            kind: 'place',
            parent: await treeAt(parent),
            name: walked.path.slice(walked.path.lastIndexOf('/') + 1) || '.',
            facts: walked.kind === 'there' ? factsOf(walked.stat) : undefined,
            floor: walked.floor,
          };
        },
      ),
    ),
  );
}

async function canonical(path: string): Promise<string | undefined> {
  try {
    return await fs.realpath(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function fromRoot<T>(use: (root: Step) => Promise<T>): Promise<T> {
  const descriptor = await open('/', sameDirectory);
  try {
    return await use({ descriptor, path: '/' });
  } finally {
    await close(descriptor);
  }
}

/** A tree of its own at an open directory. */
async function treeAt(step: Step): Promise<ProjectTree> {
  const descriptor = await open(itself(step.descriptor), sameDirectory);
  return createTree({ descriptor, path: step.path }, identityOf(await statOf(descriptor)));
}

function createTree(root: Step, identity: ProjectTree['identity']): ProjectTree {
  const { path: base, descriptor } = root;
  const files = new Map<string, Promise<TreeFile>>();
  let isOpen = true;
  const at = (path: string) => (path === '' || path === '.' ? base : `${base}/${path}`);
  const go = <T>(
    path: string,
    use: (walked: Walked) => Promise<T>,
    links: 'follow' | 'not-the-last' = 'follow',
  ): Promise<T> => explained(at(path), walk({ from: root, path, links }, use));
  const write = (path: string, how: Parameters<typeof writeFile>[1]) => {
    files.clear();
    return go(path, (walked) => writeFile(walked, { ...how, tree: base, asked: at(path) }));
  };
  return {
    path: base,
    descriptor,
    identity,
    look: (path) =>
      go(path, async (walked) => {
        if (walked.kind !== 'there') return ended(walked);
        return { kind: 'there', path: walked.path, facts: factsOf(walked.stat) };
      }),
    entry: (path) =>
      go(
        path,
        async (walked) => (walked.kind === 'there' ? factsOf(walked.stat) : undefined),
        'not-the-last',
      ),
    list: (path = '.') =>
      go(path, async (walked) => {
        if (walked.kind !== 'there' || !walked.stat.isDirectory()) return [];
        return (await readdir(itself(walked.descriptor))).sort();
      }),
    read: (path, limit) => {
      const known = files.get(path) ?? go(path, (walked) => readBounded(walked, limit));
      files.set(path, known);
      return known;
    },
    openFile: (path) => go(path, openRegular),
    openDirectory: (path) =>
      go(path, async (walked) => {
        if (walked.kind !== 'there' || !walked.stat.isDirectory()) return undefined;
        return treeAt(walked);
      }),
    writeNew: (path, content, mode) => write(path, { content, mode, isNew: true }),
    replace: (path, content, mode) => write(path, { content, mode, isNew: false }),
    survey: ({ signal }, options) => explained(base, surveyTree(descriptor, signal, options)),
    findLinkedElsewhere: ({ signal }) => explained(base, findLinkedElsewhere(descriptor, signal)),
    takeApart: (linked, { signal }) => explained(base, takeApart(descriptor, signal, linked)),
    receive: (name, archive, io) =>
      explained(at(name), receive({ directory: descriptor, name, path: at(name) }, archive, io)),
    sweepDrafts: (isGone, path = '.') =>
      go(path, async (walked) => {
        if (walked.kind === 'there' && walked.stat.isDirectory())
          await sweepDrafts(walked.descriptor, isGone);
      }),
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      await close(descriptor);
    },
  };
}

type Ended = Exclude<Walked, { kind: 'there' }>;

function ended(walked: Ended): Exclude<TreeFile, { facts: FileFacts }> {
  return walked.kind === 'absent' ? { kind: 'absent' } : walked;
}

async function openRegular(walked: Walked): Promise<TreeHandle> {
  if (walked.kind !== 'there') return ended(walked);
  const facts = factsOf(walked.stat);
  if (facts.kind !== 'file') return { kind: 'not-a-file', facts };
  // As `readBounded`: of the file that was looked at.
  const descriptor = await open(itself(walked.descriptor), constants.O_RDONLY);
  let isOpen = true;
  return {
    ...{ kind: 'file', path: walked.path, facts, descriptor },
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      await close(descriptor);
    },
  };
}

async function readBounded(walked: Walked, limit: number): Promise<TreeFile> {
  if (walked.kind !== 'there') return ended(walked);
  const facts = factsOf(walked.stat);
  if (facts.kind !== 'file') return { kind: 'not-a-file', facts };
  if (facts.size > limit) return { kind: 'too-large', facts };
  // Of the file that was looked at, which is a regular one: opening it waits for nobody.
  const handle = await fs.open(itself(walked.descriptor), 'r');
  try {
    const parts: Buffer[] = [];
    let length = 0;
    // To its end, which may be farther by now; one byte more than the limit tells that it is too far.
    for (let size = facts.size + 1; length <= limit; size = furtherBytes) {
      const part = Buffer.alloc(Math.min(size, limit + 1 - length));
      const { bytesRead } = await handle.read(part, 0, part.length, length);
      if (bytesRead === 0) break;
      parts.push(part.subarray(0, bytesRead));
      length += bytesRead;
    }
    if (length > limit) return { kind: 'too-large', facts };
    return { kind: 'file', path: walked.path, facts, bytes: Buffer.concat(parts) };
  } finally {
    await handle.close();
  }
}
