/** Longer words are cut before they are compared: input may be hostile, and the work is quadratic. */
const longestWord = 64;

/**
 * The candidate that the word was probably meant to be, or `undefined` when none is near:
 * about one slip (a letter added, lost, changed or swapped) for every three letters.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const shorter = Math.min(word.length, candidate.length);
    const allowed = shorter < 2 ? 0 : Math.max(1, Math.floor(shorter / 3));
    if (distance <= allowed && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The number of slips between two words: Damerau-Levenshtein distance, each letter moved once at most. */
export function editDistance(from: string, to: string): number {
  const a = from.slice(0, longestWord);
  const b = to.slice(0, longestWord);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + changed,
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped)
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      next.push(cost);
    }
    beforeLast = last;
    last = next;
  }
  return last[b.length] ?? 0;
}
