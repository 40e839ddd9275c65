const units = ['B', 'K', 'M', 'G', 'T', 'P'] as const;

/**
 * The whole bytes that a size such as `512M`, `2G`, `2GiB` or `1.5G` stands for. Units are binary (M is MiB).
 * Throws a `RangeError` for anything else, a missing unit included: never 0 for what it did not understand.
 */
export function parseBytes(text: string): number {
  const match = /^(\d{1,16}(?:\.\d{1,6})?)\s?([A-Za-z]*)$/.exec(text.trim());
  if (!match?.[1]) throw new RangeError('is not a size: write for example 512M or 2G');
  const [, amount, unit = ''] = match;
  const power = units.findIndex((letter) => isUnit(unit.toUpperCase(), letter));
  if (power < 0) throw new RangeError(unitProblem(amount, unit));
  const bytes = Math.round(Number(amount) * 1024 ** power);
  if (bytes === 0 && Number(amount) > 0) throw new RangeError('is less than a byte');
  if (!Number.isSafeInteger(bytes)) throw new RangeError('is too large');
  return bytes;
}

function isUnit(unit: string, letter: string): boolean {
  return unit === letter || (letter !== 'B' && unit === `${letter}IB`);
}

function unitProblem(amount: string, unit: string): string {
  if (unit === '') return `needs a unit: write for example ${amount}M or ${amount}G`;
  if (/^[KMGTP]B$/i.test(unit)) {
    const letter = unit.charAt(0).toUpperCase();
    return `could be decimal or binary: write ${amount}${letter} (1${letter} is 1${letter}iB)`;
  }
  return 'has an unknown unit: K, M, G, T and P are known';
}

/** A size for people, with at most one decimal: `1.5G`. Rounded; `exactBytes` is not. */
export function formatBytes(bytes: number): string {
  let power = 0;
  while (power < units.length - 1 && rounded(bytes, power) >= 1024) power += 1;
  return `${rounded(bytes, power)}${units[power]}`;
}

function rounded(bytes: number, power: number): number {
  const amount = bytes / 1024 ** power;
  return power === 0 ? Math.round(amount) : Math.round(amount * 10) / 10;
}

/** A size in the largest unit that gives a whole number, so that `parseBytes` returns it unchanged. */
export function exactBytes(bytes: number): string {
  let power = 0;
  while (power < units.length - 1 && bytes > 0 && bytes % 1024 ** (power + 1) === 0) power += 1;
  return `${bytes / 1024 ** power}${units[power]}`;
}
