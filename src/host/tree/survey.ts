import { constants, lstatSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { ReachedDirectory } from '../../core/file-facts.ts';
import { bytesAsText, type SurveyOptions, type TreeSurvey } from '../../core/project-tree.ts';
import type { TreeLink } from '../../lib/leaving-links.ts';
import { close, codeOf, identityOf, itself, open, readlink, statOf } from './descriptors.ts';

interface Survey {
  files: number;
  bytes: number;
  isWhole: boolean;
  readonly links: TreeLink[];
  readonly special: string[];
  readonly broken: string[];
  readonly gone: { readonly into: ReachedDirectory[]; readonly by: string[] };
}

interface Going {
  readonly signal: AbortSignal;
  readonly follow: boolean;
  readonly left: { names: number };
  /** Where this directory really is; only with `follow`. */
  readonly place: string;
  /** The directories around this one, by what they are. */
  readonly around: readonly string[];
  readonly survey: Survey;
}

const directory = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * Counts what is below an open directory and lists its links, each directory opened beneath the one before. Names that are
 * no UTF-8 are told as the bytes they are, one character each. With `follow` links are followed, and `broken` has those that
 * lead nowhere or in a circle.
 */
export async function surveyTree(
  descriptor: number,
  signal: AbortSignal,
  { follow, most = Number.POSITIVE_INFINITY }: SurveyOptions,
): Promise<TreeSurvey> {
  const survey: Survey = {
    ...{ files: 0, bytes: 0, isWhole: true },
    ...{ links: [], special: [], broken: [], gone: { into: [], by: [] } },
  };
  const around = [keyOf(await statOf(descriptor))];
  const place = follow ? await readlink(itself(descriptor)) : '';
  await go(descriptor, '', { signal, follow, left: { names: most }, place, around, survey });
  return survey;
}

async function go(descriptor: number, path: string, going: Going): Promise<void> {
  const { signal, survey } = going;
  const entries = await fs.readdir(itself(descriptor), { withFileTypes: true, encoding: 'latin1' });
  for (const entry of entries) {
    signal.throwIfAborted();
    going.left.names -= 1;
    if (going.left.names < 0) {
      survey.isWhole = false;
      return;
    }
    const at = path === '' ? entry.name : `${path}/${entry.name}`;
    const place = Buffer.concat([
      Buffer.from(`${itself(descriptor)}/`),
      Buffer.from(entry.name, 'latin1'),
    ]);
    if (entry.isDirectory()) await enter(place, at, going);
    else if (entry.isSymbolicLink()) await meetLink(place, at, going);
    else if (entry.isFile()) count(lstatSync(place, { throwIfNoEntry: false }), survey);
    else survey.special.push(at);
  }
}

/** Not waited for: there may be a hundred thousand of them. */
function count(stat: { size: number } | undefined, survey: Survey): void {
  survey.files += 1;
  survey.bytes += stat?.size ?? 0;
}

async function meetLink(place: Buffer, at: string, going: Going): Promise<void> {
  const { survey, follow } = going;
  if (follow) {
    survey.gone.by.push(`${going.place}/${bytesAsText(at.slice(at.lastIndexOf('/') + 1))}`);
    const there = await fs.stat(place).catch(() => undefined);
    if (there === undefined) survey.broken.push(at);
    else if (there.isDirectory()) await enter(place, at, going);
    else if (there.isFile()) count(there, survey);
    else survey.special.push(at);
    return;
  }
  const target = await fs.readlink(place, 'latin1').catch(goneMeanwhile);
  if (target !== undefined) survey.links.push({ path: at, target });
}

async function enter(place: Buffer, at: string, going: Going): Promise<void> {
  const flags = going.follow ? directory : directory | constants.O_NOFOLLOW;
  const inner = await open(place, flags).catch(goneMeanwhile);
  if (inner === undefined) return;
  try {
    const stat = await statOf(inner);
    const key = keyOf(stat);
    if (going.around.includes(key)) {
      going.survey.broken.push(at);
      return;
    }
    const real = going.follow ? await readlink(itself(inner)) : '';
    if (going.follow) going.survey.gone.into.push({ path: real, identity: identityOf(stat) });
    await go(inner, at, { ...going, place: real, around: [...going.around, key] });
  } finally {
    await close(inner);
  }
}

function keyOf(stat: Parameters<typeof identityOf>[0]): string {
  const { device, inode } = identityOf(stat);
  return `${device}:${inode}`;
}

/** It is something else, or nothing, by now: tar takes it as what it is then, and follows nothing. */
function goneMeanwhile(error: unknown): undefined {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EINVAL')
    return undefined;
  throw error;
}
