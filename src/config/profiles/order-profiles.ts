import { nearest } from '../../lib/near.ts';
import { quoted } from '../../lib/printable.ts';
import { didYouMean } from '../fields.ts';
import type { Place } from '../origin.ts';
import { formatPath, type Problem } from '../problem.ts';
import type { Profile } from './parse-profile.ts';

/** How many profiles may stand on each other. */
const deepest = 16;

/** A profile that is asked for by name, and where. */
export interface Wanted {
  readonly name: string;
  readonly place: Place;
}

export interface Found {
  /** By name; `undefined` for one whose text is broken. */
  readonly profiles: ReadonlyMap<string, Profile | undefined>;
  /** Every name there is. */
  readonly names: readonly string[];
}

interface Walk extends Found {
  readonly order: Profile[];
  readonly done: Set<string>;
  readonly problems: Problem[];
}

/**
 * The profiles in the order in which they are merged: those that one extends come before it, and each comes once, where
 * it is first wanted. Unknown names, circles and chains that are too long are problems.
 */
export function orderProfiles(
  wanted: readonly Wanted[],
  found: Found,
): { readonly order: readonly Profile[]; readonly problems: readonly Problem[] } {
  const walk: Walk = { ...found, order: [], done: new Set(), problems: [] };
  for (const one of wanted) visit(walk, one, []);
  const { order, problems } = walk;
  return { order, problems };
}

/** What a profile extends, with the places where it says so. */
export function extendedBy({ value, origin }: Profile): Wanted[] {
  return (value.extends ?? []).map((name, index) => {
    return { name, place: origin.at(['extends', index]) };
  });
}

function visit(walk: Walk, { name, place }: Wanted, around: readonly string[]): void {
  if (around.includes(name)) {
    const circle = [...around.slice(around.indexOf(name)), name].join(' -> ');
    report(walk, place, { message: `goes in a circle: ${circle}` });
    return;
  }
  if (walk.done.has(name)) return;
  if (around.length >= deepest) {
    report(walk, place, { message: `is more than ${deepest} profiles deep` });
    return;
  }
  if (!walk.profiles.has(name)) {
    const near = nearest(name, walk.names);
    const hint = near ? didYouMean(near) : 'see what there is: clonebox profile list';
    report(walk, place, { message: `is ${quoted(name)}, and there is no such profile`, hint });
    return;
  }
  const profile = walk.profiles.get(name);
  for (const one of profile ? extendedBy(profile) : []) visit(walk, one, [...around, name]);
  walk.done.add(name);
  if (profile) walk.order.push(profile);
}

function report(walk: Walk, place: Place, what: { message: string; hint?: string }): void {
  const { file, line, column, path } = place;
  walk.problems.push({ file, line, column, path: formatPath(path), ...what });
}
