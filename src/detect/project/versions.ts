/** A release by its three numbers. */
export type Release = readonly [number, number, number];

/** The releases from one on, and below another; pre-releases are not told apart. */
interface Span {
  readonly from: Release;
  readonly below: Release | undefined;
}

/** A set of releases: spans in order that do not touch. */
export type Versions = readonly Span[];

const first: Release = [0, 0, 0];
export const everyVersion: Versions = [{ from: first, below: undefined }];

export function atLeast(from: Release): Versions {
  return [{ from, below: undefined }];
}

export function between(from: Release, below: Release): Versions {
  return compare(from, below) < 0 ? [{ from, below }] : [];
}

/** Every release that begins with these numbers: 3.12.x for `[3, 12]`. */
export function startingWith(parts: readonly number[]): Versions {
  return between(releaseOf(parts), after(parts));
}

/** The first release of these numbers: 3.12.0 for `[3, 12]`. */
export function releaseOf([major = 0, minor = 0, patch = 0]: readonly number[]): Release {
  return [major, minor, patch];
}

/** The first release after all that begin with these numbers: 3.13.0 for `[3, 12]`. */
export function after(parts: readonly number[]): Release {
  const last = Math.min(parts.length, 3) - 1;
  return releaseOf(
    parts.slice(0, last + 1).map((part, place) => (place === last ? part + 1 : part)),
  );
}

export function intersect(one: Versions, other: Versions): Versions {
  return one.flatMap((a) =>
    other.flatMap((b): Versions => {
      const from = compare(a.from, b.from) > 0 ? a.from : b.from;
      const below = [a.below, b.below].filter((end) => end !== undefined).toSorted(compare)[0];
      return below && compare(from, below) >= 0 ? [] : [{ from, below }];
    }),
  );
}

export function unite(sets: readonly Versions[]): Versions {
  const spans = sets.flat().toSorted((a, b) => compare(a.from, b.from));
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last === undefined || (last.below && compare(last.below, span.from) < 0)) {
      joined.push(span);
    } else if (last.below && (!span.below || compare(span.below, last.below) > 0)) {
      joined[joined.length - 1] = { from: last.from, below: span.below };
    }
  }
  return joined;
}

export function complement(versions: Versions): Versions {
  const gaps: Span[] = [];
  let from: Release | undefined = first;
  for (const span of versions) {
    if (from && compare(from, span.from) < 0) gaps.push({ from, below: span.from });
    from = span.below;
  }
  return from ? [...gaps, { from, below: undefined }] : gaps;
}

/** As a range of node-semver: `*` is every version; `undefined` when there is none. */
export function toRange(versions: Versions): string | undefined {
  if (versions.length === 0) return undefined;
  const spans = versions.map(({ from, below }) => {
    const start = compare(from, first) === 0 ? [] : [`>=${from.join('.')}`];
    if (below === undefined) return start[0] ?? '*';
    return compare(after(from), below) === 0
      ? from.join('.')
      : [...start, `<${below.join('.')}`].join(' ');
  });
  return spans.join(' || ');
}

function compare(one: Release, other: Release): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}
