import { basename, dirname, join, resolve } from 'node:path';
import type { Ctx } from '../../core/ctx.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { ReachedDirectory } from '../../core/file-facts.ts';
import type { Streamed } from '../../core/process.ts';
import {
  bytesAsText,
  leavesCopy,
  leavesTree,
  type OpenedPlace,
  type ProjectTree,
  type Received,
  type TreeSurvey,
} from '../../core/project-tree.ts';
import type { VmRecord } from '../../core/record.ts';
import { leavingLinks } from '../../lib/leaving-links.ts';
import { printable } from '../../lib/printable.ts';
import { isOrWasShared, isWrittenByOthers } from '../floors.ts';
import { guestError, receiveScript, shellCommand } from './guest-side.ts';
import { isContentsOf, lastName } from './paths.ts';

/** Where tar inherits the directory that it reads. */
const sourceDescriptor = 9;

/** So many bytes at the end of an archive have all of its last entry, which says that it is whole. */
const heldBack = 2 * 10_240;

/** More names than these are too long for a command line; tar copies what is beyond as what it is. */
const mostLeftOut = 2000;

interface Way {
  readonly from: string;
  readonly to: string;
  readonly cwd: string;
  readonly followLinks: boolean;
}

/** Into a VM: the directory is read by its descriptor, and what comes in there is moved into its place when it is whole. */
export async function copyIntoGuest(
  ctx: Ctx,
  record: VmRecord,
  { from, to, cwd, followLinks }: Way,
): Promise<Received> {
  const source = await openSource(ctx, resolve(cwd, from), from);
  try {
    const survey = await look(ctx, source, followLinks);
    if (followLinks) await requireOwn(ctx, source, { said: from, gone: survey.gone });
    const ssh = await ctx.sshCommand(record, { tty: false });
    const name = lastName(from) ?? basename(resolve(cwd, from));
    const contents = source.kind === 'directory' && isContentsOf(from);
    const command = shellCommand(receiveScript, [to, name, contents ? 'contents' : '']);
    const tar = ctx.host.stream(
      await archive(ctx, source, { followLinks, leftOut: survey.special }),
      ctx.io,
      {
        inherit: { from: sourceDescriptor, own: [source.tree.descriptor] },
        env: { LC_ALL: 'C' },
      },
    );
    const input = wholeArchive(ctx, tar, { what: from, total: survey.bytes });
    try {
      const result = await ctx.host.run([...ssh, command], ctx.io, { input });
      if (result.exitCode !== 0) throw guestError(record, result, to);
    } finally {
      tar.end();
    }
    const { files, bytes, special } = survey;
    return { files, bytes, skipped: special.map(bytesAsText) };
  } finally {
    await source.tree.close();
  }
}

interface Source {
  readonly kind: 'file' | 'directory';
  /** The directory itself, or the one that the file is in. */
  readonly tree: ProjectTree;
  readonly name: string;
  readonly size: number;
}

async function openSource(ctx: Ctx, path: string, said: string): Promise<Source> {
  const found = await ctx.host.openPlace(path, { isFloor: await isWrittenByOthers(ctx) });
  if (found.kind === 'outside') throw leavesTree(found.floor, found, 'Name what is to be copied.');
  if (found.kind !== 'place' || found.facts === undefined) throw missing(said, path);
  const { parent, name, facts } = found;
  if (facts.kind === 'file') return { kind: 'file', tree: parent, name, size: facts.size };
  if (facts.kind === 'directory')
    return { kind: 'directory', ...(await inside(found, said)), name, size: 0 };
  await parent.close();
  throw new CloneboxError('usage', `${said} is neither a file nor a directory`, {
    hint: 'Pipes, sockets and devices are not copied.',
    facts: { path, kind: facts.kind },
  });
}

/**
 * In what a guest writes to, or ever wrote to, links are the guest's: it would choose what is copied into a VM. So nothing of
 * it may be met: not around what is copied, not in it, and not on the way of a link that is followed.
 */
async function requireOwn(
  ctx: Ctx,
  { tree }: Source,
  { said, gone }: { said: string; gone: TreeSurvey['gone'] },
): Promise<void> {
  const isShared = await isOrWasShared(ctx);
  const around = sharedAround(ctx, isShared);
  let share = await around(tree.path);
  for (const directory of gone.into) {
    if (share !== undefined) break;
    if (await isShared(directory)) share = directory.path;
  }
  for (const link of gone.by) {
    if (share !== undefined) break;
    const found = await ctx.host.openPlace(link, { isFloor: isShared });
    if (found.kind === 'outside') share = found.floor;
    if (found.kind !== 'place') continue;
    share = found.floor ?? (await around(join(found.parent.path, found.name)));
    await found.parent.close();
  }
  if (share === undefined) return;
  throw new CloneboxError(
    'refused',
    `a VM writes to ${share}, or did so: links of ${said} are not followed`,
    {
      hint: 'Leave --follow-links out, or copy a tree of your own that no VM shares.',
      facts: { path: tree.path, share },
    },
  );
}

/** Finds the share that a path is in, or is. */
function sharedAround(
  ctx: Ctx,
  isShared: (directory: ReachedDirectory) => Promise<boolean>,
): (path: string) => Promise<string | undefined> {
  const known = new Map<string, Promise<string | undefined>>();
  const look = async (path: string): Promise<string | undefined> => {
    const identity = await ctx.host.files.identity(path);
    if (identity !== undefined && (await isShared({ path, identity }))) return path;
    return path === '/' ? undefined : around(dirname(path));
  };
  const around = (path: string) => {
    const found = known.get(path) ?? look(path);
    known.set(path, found);
    return found;
  };
  return around;
}

async function inside(
  { parent, name }: Extract<OpenedPlace, { kind: 'place' }>,
  said: string,
): Promise<{ tree: ProjectTree }> {
  const tree = await parent.openDirectory(name);
  await parent.close();
  if (tree === undefined) throw missing(said, join(parent.path, name));
  return { tree };
}

function missing(said: string, path: string): CloneboxError {
  return new CloneboxError('not-found', `${said} does not exist`, { facts: { path } });
}

/** What there is to be copied. Fails with `refused` when a link of it leads out: nothing has been sent then. */
async function look(ctx: Ctx, { kind, tree, size }: Source, follow: boolean) {
  if (kind === 'file') return { files: 1, bytes: size, special: [], gone: { into: [], by: [] } };
  const { files, bytes, links, special, broken, gone } = await tree.survey(ctx.io, { follow });
  if (broken.length > 0) {
    const names = broken.slice(0, 5).map(bytesAsText).join(', ');
    throw new CloneboxError(
      'usage',
      `links cannot be followed that lead nowhere, or in a circle: ${names}`,
      {
        hint: 'Remove them, or leave --follow-links out: links stay links then.',
        facts: { links: broken.slice(0, 100).map(bytesAsText) },
      },
    );
  }
  const leaving = leavingLinks(links);
  if (leaving.length > 0) throw leavesCopy(leaving);
  return { files, bytes, special, gone };
}

/**
 * An archive with everything below `top`, and `proc` as its last entry, which is there when all of it is. Entries are told
 * by options that come before them; names begin with `./`, so that none is an option.
 */
async function archive(
  ctx: Ctx,
  { kind, name }: Source,
  { followLinks, leftOut }: { followLinks: boolean; leftOut: readonly string[] },
): Promise<string[]> {
  const everything = kind === 'directory';
  const rename = everything ? 's,^\\.\\(/\\|$\\),top\\1,' : 's,^\\./.*$,top,';
  return [
    await ctx.host.require('tar'),
    ...[
      '-C',
      `/proc/self/fd/${sourceDescriptor}`,
      '--format=posix',
      `--transform=flags=rhS;${rename}`,
    ],
    // A file that is named has been followed to where it is.
    ...(followLinks && everything ? ['-h'] : []),
    ...['--anchored', '--no-wildcards', ...leftOut.slice(0, mostLeftOut).map(excluded)],
    ...['-cf', '-', everything ? '.' : `./${name}`],
    ...['-C', '/', '--no-recursion', 'proc'],
  ];
}

/** tar would make pipes and devices there, and sockets nowhere. */
function excluded(path: string): string {
  return `--exclude=./${Buffer.from(path, 'latin1').toString('utf8')}`;
}

/** The bytes of an archive; the last of them only once it is known that tar has read all there is. */
async function* wholeArchive(
  { io }: Ctx,
  tar: Streamed,
  { what, total }: { what: string; total: number },
): AsyncGenerator<Uint8Array> {
  let done = 0;
  const waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of tar.output) {
    waiting.push(chunk);
    length += chunk.length;
    while (waiting[0] !== undefined && length - waiting[0].length >= heldBack) {
      const [first] = waiting.splice(0, 1) as [Uint8Array];
      length -= first.length;
      done += first.length;
      // An archive is a little longer than what is in it.
      io.emit({ kind: 'transfer', what, done: Math.min(done, total), total });
      yield first;
    }
  }
  const { exitCode, stderr } = await tar.ended;
  // 1: a file changed while it was read, which a living project may.
  if (exitCode > 1) {
    throw new CloneboxError('host-unable', `${what} cannot be read: ${lastLines(stderr)}`, {
      hint: 'Look at the permissions of what is named.',
      facts: { exitCode },
    });
  }
  yield* waiting;
}

function lastLines(text: string): string {
  return printable(text.trim().split('\n').slice(-3).join('; '), 500);
}
