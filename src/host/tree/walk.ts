import type { BigIntStats } from 'node:fs';
import type { ReachedDirectory } from '../../core/file-facts.ts';
import type { NotFollowed } from '../../core/project-tree.ts';
import { beneath, close, codeOf, identityOf, openName, readlink, statOf } from './descriptors.ts';

/** As many as the kernel follows. */
const mostLinks = 40;

/** A directory of the way, open. */
export interface Step {
  readonly descriptor: number;
  readonly path: string;
}

/** Where a way ends. Its descriptors are open for as long as `use` runs. */
export type Walked =
  | {
      readonly kind: 'there';
      readonly path: string;
      readonly descriptor: number;
      readonly stat: BigIntStats;
      /** The directory it is in; `undefined` for the beginning of the way itself. */
      readonly parent: Step | undefined;
      readonly floor: string | undefined;
    }
  | {
      readonly kind: 'absent';
      readonly path: string;
      /** The directory in which it would be, when there is that one. */
      readonly parent: Step | undefined;
      readonly floor: string | undefined;
    }
  | NotFollowed;

interface Way {
  readonly from: Step;
  readonly path: string;
  /** `follow`: links that stay inside. `refuse`: none, each is `outside`. `not-the-last`: the last name is told as a link. */
  readonly links: 'follow' | 'refuse' | 'not-the-last';
  /** Whether nothing may lead out of this directory again. The beginning is such a one unless it is the root. */
  readonly isFloor?: ((directory: ReachedDirectory) => boolean | Promise<boolean>) | undefined;
  /** Whether a link that says this is followed. Default: each is. */
  readonly follows?: ((target: string) => boolean) | undefined;
}

/**
 * Goes from an open directory along a path, one name at a time, each opened beneath the one before and none by its whole
 * path: a rename on the way changes what a name is, never where we are.
 */
export async function walk<T>(way: Way, use: (walked: Walked) => T | Promise<T>): Promise<T> {
  const steps: Step[] = [way.from];
  let last: number | undefined;
  try {
    const walked = await along(steps, way);
    if (walked.kind === 'there' && walked.descriptor !== steps.at(-1)?.descriptor)
      last = walked.descriptor;
    return await use(walked);
  } finally {
    if (last !== undefined) await close(last);
    for (const { descriptor } of steps.slice(1)) await close(descriptor);
  }
}

async function along(steps: Step[], way: Way): Promise<Walked> {
  const { from, links: rule, isFloor, follows } = way;
  const left = namesOf(way.path);
  let floor = from.path === '/' ? undefined : 0;
  let followed = 0;
  /** So many of the names that are left were said by a link. */
  let ofLink = 0;
  let trail: { link: string; target: string } | undefined;
  const floorPath = () => (floor === undefined ? undefined : steps[floor]?.path);
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const here = steps.at(-1) as Step;
    const isOfLink = ofLink > 0;
    if (isOfLink) ofLink -= 1;
    if (name === '..') {
      if (steps.length - 1 > (floor ?? 0)) await close((steps.pop() as Step).descriptor);
      // The parent of the root is the root.
      else if (floor !== undefined) {
        const said = trail ?? { link: way.path, target: '..' };
        return { kind: 'outside', ...said, floor: here.path };
      }
      continue;
    }
    const path = below(here.path, name);
    const descriptor = await openName(here.descriptor, name);
    if (descriptor === undefined) {
      if (isOfLink) return { kind: 'dangling' };
      const parent = left.length === 0 ? here : undefined;
      return { kind: 'absent', path, parent, floor: floorPath() };
    }
    const stat = await statOf(descriptor);
    if (stat.isDirectory()) {
      steps.push({ descriptor, path });
      continue;
    }
    if (!stat.isSymbolicLink() || (rule === 'not-the-last' && left.length === 0)) {
      if (left.length === 0)
        return { kind: 'there', path, descriptor, stat, parent: here, floor: floorPath() };
      await close(descriptor);
      return { kind: 'absent', path, parent: undefined, floor: floorPath() };
    }
    await close(descriptor);
    followed += 1;
    if (followed > mostLinks) return { kind: 'dangling' };
    // Asked about only now: without a link nothing leads anywhere.
    floor = await floorOf(steps, floor, isFloor);
    const target = await readlink(beneath(here.descriptor, name)).catch(noLongerALink);
    if (target === undefined) {
      left.unshift(name);
      if (isOfLink) ofLink += 1;
      continue;
    }
    trail = { link: path, target };
    const base = floorPath();
    if (follows?.(target) === false) return { kind: 'outside', ...trail, floor: here.path };
    if (rule === 'refuse') return { kind: 'outside', ...trail, floor: base ?? from.path };
    const names = namesOf(target);
    if (target.startsWith('/')) {
      const top = namesOf(base ?? '/');
      if (!top.every((one, index) => names[index] === one))
        return { kind: 'outside', ...trail, floor: base ?? from.path };
      // From the open floor, not by its name, which may be something else's by now.
      for (const step of steps.splice((floor ?? 0) + 1)) await close(step.descriptor);
      names.splice(0, top.length);
    }
    left.unshift(...names);
    ofLink += names.length;
  }
  const end = steps.at(-1) as Step;
  const stat = await statOf(end.descriptor);
  return { kind: 'there', ...end, stat, parent: steps.at(-2), floor: floorPath() };
}

/** The innermost directory of the way that nothing may lead out of. */
async function floorOf(
  steps: readonly Step[],
  known: number | undefined,
  isFloor: Way['isFloor'],
): Promise<number | undefined> {
  if (isFloor === undefined) return known;
  for (let index = steps.length - 1; index > (known ?? 0); index -= 1) {
    const { path, descriptor } = steps[index] as Step;
    if (await isFloor({ path, identity: identityOf(await statOf(descriptor)) })) return index;
  }
  return known;
}

/** It was one a moment ago: the name is looked at again. */
function noLongerALink(error: unknown): undefined {
  if (codeOf(error) === 'EINVAL' || codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

/** The names of a path; empty ones and `.` mean nothing. */
function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
