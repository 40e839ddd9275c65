import { compare, intersects, minVersion, satisfies, subset } from 'semver';

/** Versions by which a tool's makers count its lines, newest first, of those with long-time support. */
const lines: Readonly<Record<string, readonly string[]>> = {
  node: ['24', '22', '20', '18', '16'],
  npm: ['11', '10', '9', '8'],
  pnpm: ['10', '9', '8'],
  yarn: ['1'],
  bun: ['1'],
  python: ['3.13', '3.12', '3.11', '3.10', '3.9'],
};

/** Tools of which there is just one version at a time: a range is met by its least one. */
const single = ['go', 'rust'];

/**
 * What the guest's `clonebox-install` is to be given for a tool, or `undefined` when it has none of it. `range` is of
 * node-semver; `own` is the version that this workstation has, if any: when it will do, the guest gets that one.
 */
export function installerWord(
  name: string,
  range: string | undefined,
  own: string | undefined,
): string | undefined {
  const known = Object.hasOwn(lines, name) ? lines[name] : undefined;
  if (name === 'uv') return name;
  if (known === undefined && !single.includes(name)) return undefined;
  if (range === undefined) return name;
  if (own !== undefined && satisfies(own, range)) return `${name}@${own}`;
  const line = known?.find((one) => intersects(range, one)) ?? newerLine(range, known);
  if (known !== undefined && line === undefined) return undefined;
  return `${name}@${line === undefined ? leastOf(name, range) : narrowed(range, line)}`;
}

/** The least line of those that are newer than what is known here: makers go on. */
function newerLine(range: string, known: readonly string[] = []): string | undefined {
  const [newest] = known;
  if (newest === undefined) return undefined;
  const least = minVersion(range);
  const newestVersion = minVersion(newest);
  if (least === null || newestVersion === null || compare(least, newestVersion) < 0)
    return undefined;
  return newest.includes('.') ? `${least.major}.${least.minor}` : String(least.major);
}

/** The part of a range that is in one line: `20` of `>=18`, `^20.19.0` of `>=20.19`. */
function narrowed(range: string, line: string): string {
  if (subset(line, range)) return line;
  const way = range
    .split('||')
    .map((one) => one.trim())
    .find((one) => intersects(one, line));
  const least = (way && minVersion(way)?.version) ?? line;
  const first = minVersion(line)?.version ?? least;
  if (!satisfies(first, range) && subset(`^${least}`, range)) return `^${least}`;
  return satisfies(least, line) ? least : first;
}

function leastOf(name: string, range: string): string {
  const version = minVersion(range)?.version ?? '0.0.0';
  const [major, minor = 0, patch] = version.split('.').map(Number);
  // Before Go 1.21 the first release of a line had no third number.
  return name === 'go' && major === 1 && minor < 21 && patch === 0 ? `1.${minor}` : version;
}
