/** Largest first: a duration names each unit at most once and in this order. */
const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/**
 * The milliseconds that a duration such as `500ms`, `5s`, `1.5s`, `2m`, `1h30m` or `2d` stands for.
 * Throws a `RangeError` for anything else, a missing unit included: never 0 for what it did not understand.
 */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/(\d{1,15}(?:\.\d{1,3})?)([a-z]+|$)/gy)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) {
    throw new RangeError('is not a duration: write for example 500ms, 30s or 1h30m');
  }
  let total = 0;
  let largest = -1;
  for (const [, amount, unit] of parts) {
    if (!unit) throw new RangeError(`needs a unit: write for example ${amount}s or ${amount}m`);
    const rank = units.findIndex(([name]) => name === unit);
    const milliseconds = units[rank]?.[1];
    if (!milliseconds) throw new RangeError('has an unknown unit: ms, s, m, h and d are known');
    if (rank <= largest)
      throw new RangeError('names its units out of order: write for example 1h30m');
    largest = rank;
    total += Math.round(Number(amount) * milliseconds);
  }
  if (!Number.isSafeInteger(total)) throw new RangeError('is too large');
  return total;
}

/** A duration in full, which `parseDuration` reads back: `1h30m`, `1.234s`, `40ms`. Takes whole milliseconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds}ms`;
  let rest = milliseconds;
  let text = '';
  for (const [name, size] of units.slice(0, 3)) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${name}`;
    rest -= amount * size;
  }
  return rest > 0 ? `${text}${rest / 1000}s` : text;
}
