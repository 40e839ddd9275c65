const newline = 10;

/** Where in a block a line is, without its newline. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The lines of a block that have one needle of each group, in order. Leaps from hit to hit of the rarest group, so that
 * the lines between cost next to nothing.
 */
export function matchingSpans(bytes: Buffer, groups: readonly (readonly Buffer[])[]): Span[] {
  const cursors = groups.map((needles) => cursorOf(bytes, needles));
  const spans: Span[] = [];
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    const farthest = Math.max(start, ...cursors.map((next) => next(start)));
    if (farthest === Number.POSITIVE_INFINITY) break;
    if (farthest <= end) {
      spans.push({ start, end });
      start = end + 1;
    } else {
      start = Math.max(end, bytes.lastIndexOf(newline, farthest)) + 1;
    }
  }
  return spans;
}

/** Tells where, from a place on, the next of these byte strings begins. Places must not go back. */
function cursorOf(bytes: Buffer, needles: readonly Buffer[]): (from: number) => number {
  const known = needles.map(() => -1);
  return (from) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (const [index, needle] of needles.entries()) {
      let at = known[index] ?? -1;
      if (at < from) {
        const found = bytes.indexOf(needle, from);
        at = found < 0 ? Number.POSITIVE_INFINITY : found;
        known[index] = at;
      }
      if (at < nearest) nearest = at;
    }
    return nearest;
  };
}
