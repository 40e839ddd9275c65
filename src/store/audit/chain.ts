import { type Link, origin, type ReadLink } from './line.ts';

/** A line of a file, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** What is wrong with the log: the first such place, in the order of the log. */
export interface ChainProblem {
  readonly kind: 'changed' | 'inserted' | 'removed';
  readonly file: string;
  /** `null` where it is a whole file. */
  readonly line: number | null;
  /** As the end of a sentence that begins with the place. */
  readonly message: string;
}

/** A check of the chain, line by line in the order of the log. */
export interface ChainCheck {
  /** Takes the next line: `undefined` for one whose bytes are not what its hash says. Returns the first problem. */
  see(link: ReadLink | undefined, place: Place): ChainProblem | undefined;
  /** After the last line: the problem that had to wait for the next one. `noted` is what `head` says. */
  end(noted: Link | undefined): ChainProblem | undefined;
  /** The last line that fits. */
  readonly last: Link;
  readonly lastPlace: Place | undefined;
}

interface Suspect {
  readonly link: ReadLink | undefined;
  readonly place: Place;
}

/**
 * Starts a check. A line that does not fit is judged with the help of the one after it: that tells a changed line from
 * an inserted one, and which of two that claim one place is the older.
 */
export function startChainCheck(): ChainCheck {
  let last: Link = origin;
  let lastPlace: Place | undefined;
  let suspect: Suspect | undefined;
  return {
    get last() {
      return last;
    },
    get lastPlace() {
      return lastPlace;
    },
    see: (link, place) => {
      if (suspect !== undefined) return judge({ last, lastPlace, suspect, next: link });
      if (link === undefined || link.seq !== last.seq + 1 || link.prev !== last.hash) {
        suspect = { link, place };
      } else {
        last = link;
        lastPlace = place;
      }
      return undefined;
    },
    end: (noted) => {
      if (suspect === undefined) return undefined;
      const next = noted && { seq: noted.seq + 1, prev: noted.hash };
      return judge({ last, lastPlace, suspect, next });
    },
  };
}

function judge(found: {
  last: Link;
  lastPlace: Place | undefined;
  suspect: Suspect;
  next: { readonly seq: number; readonly prev: string } | undefined;
}): ChainProblem {
  const { last, lastPlace, suspect, next } = found;
  const { link, place } = suspect;
  const isLeftOut = next?.seq === last.seq + 1 && next.prev === last.hash;
  if (link === undefined) {
    return isLeftOut
      ? { kind: 'inserted', ...place, message: 'was inserted: it is no line of the log' }
      : { kind: 'changed', ...place, message: 'was changed: its hash is not that of its content' };
  }
  if (isLeftOut || link.hash === last.hash || link.seq < last.seq) {
    const message = `was inserted, copied or moved here: it is number ${link.seq}, after ${last.seq}`;
    return { kind: 'inserted', ...place, message };
  }
  if (link.seq > last.seq + 1) {
    return { kind: 'removed', ...place, message: missingBefore(suspect, last) };
  }
  // Two lines next to each other that do not fit: the one that the line after them goes on from is the older.
  const culprit = next?.prev === link.hash && lastPlace !== undefined ? lastPlace : place;
  return link.seq === last.seq
    ? { kind: 'inserted', ...culprit, message: 'was inserted: another line has its number' }
    : {
        kind: 'changed',
        ...culprit,
        message: 'was changed, and its hash made anew: the lines next to it say another',
      };
}

function missingBefore({ link, place }: Suspect, last: Link): string {
  const gap = missingLines(last.seq + 1, (link?.seq ?? 0) - 1);
  const file = place.line === 1 ? '; a whole file of the log may be gone' : '';
  return `comes after a gap: ${gap} removed before it${file}`;
}

/** `line number 7 was`, `3 lines, numbers 7 to 9, were`. */
export function missingLines(first: number, last: number): string {
  if (first === last) return `the line with number ${first} was`;
  return `${last - first + 1} lines, numbers ${first} to ${last}, were`;
}
