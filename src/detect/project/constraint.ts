import {
  after,
  atLeast,
  between,
  complement,
  everyVersion,
  intersect,
  releaseOf,
  startingWith,
  toRange,
  unite,
  type Versions,
} from './versions.ts';

/** How the languages differ in what they write. */
interface Dialect {
  /** What parts alternatives: `||`. */
  readonly or: RegExp | undefined;
  /** What parts conditions that hold together. */
  readonly and: RegExp;
  /** `~1.2` goes below 2 (`last`: the last number may grow) or below 1.3 (`minor`). */
  readonly tilde: 'last' | 'minor';
}

// A text of a version is short: a longer one is no version, and is not looked at.
const longest = 200;
const mostAlternatives = 20;
const mostConditions = 20;

const condition =
  /^(\^|~=|~>|~|===?|=|!=|<>|>=|<=|>|<)?\s*v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:\.\d{1,6})?((?:\.[*x]){0,2})(?:[-+@.]?[a-z][\w.+-]{0,40})?$/i;

const dialects = {
  pep440: { or: undefined, and: /,/, tilde: 'minor' },
  poetry: { or: /\|\|?/, and: /,|(?<=[\w*])\s+/, tilde: 'minor' },
  composer: { or: /\|\|?/, and: /,|(?<=[\w*])\s+/, tilde: 'last' },
  gem: { or: undefined, and: /,/, tilde: 'last' },
  elixir: { or: /\bor\b/, and: /\band\b/, tilde: 'last' },
} satisfies Record<string, Dialect>;

/**
 * The versions that a constraint of a language allows, as a range of node-semver; `*`: any. `undefined` when it is not
 * understood, or allows none. It is as strict as the language's own tool: `==3.11` of Python is 3.11.0 alone.
 */
export function rangeOf(dialect: keyof typeof dialects, text: string): string | undefined {
  if (text.length > longest) return undefined;
  const { or, and, tilde }: Dialect = dialects[dialect];
  const alternatives = or === undefined ? [text] : text.split(or);
  if (alternatives.length > mostAlternatives) return undefined;
  const sets = alternatives.map((one) => together(one, and, tilde));
  return sets.includes(undefined)
    ? undefined
    : toRange(unite(sets.filter((set) => set !== undefined)));
}

function together(text: string, and: RegExp, tilde: Dialect['tilde']): Versions | undefined {
  const hyphen = /^\s*([\d.]{1,20})\s+-\s+([\d.]{1,20})\s*$/.exec(text);
  const parts = hyphen
    ? [`>=${hyphen[1]}`, `<=${hyphen[2]}${'.*'.repeat(hyphen[2]?.split('.').length === 3 ? 0 : 1)}`]
    : text.split(and).map((part) => part.trim());
  // A trailing comma is allowed in Python.
  if (parts.length > 1 && parts.at(-1) === '') parts.pop();
  if (parts.length > mostConditions) return undefined;
  let all: Versions = everyVersion;
  for (const part of parts) {
    const versions = meaningOf(part, tilde);
    if (versions === undefined) return undefined;
    all = intersect(all, versions);
  }
  return all;
}

function meaningOf(text: string, tilde: Dialect['tilde']): Versions | undefined {
  if (/^(?:\*|x)(?:@\w{1,20})?$/.test(text)) return everyVersion;
  const match = condition.exec(text);
  if (match === null) return undefined;
  const [, operator = '=', ...written] = match;
  const parts = written
    .slice(0, 3)
    .filter((part) => part !== undefined)
    .map(Number);
  const wild = written[3] !== '';
  const release = releaseOf(parts);
  const next = after(wild ? parts : release);
  switch (operator) {
    case '>=':
      return atLeast(release);
    case '>':
      return atLeast(next);
    case '<':
      return between([0, 0, 0], release);
    case '<=':
      return between([0, 0, 0], next);
    case '!=':
    case '<>':
      return complement(between(release, next));
    case '^': {
      // The first number that is not zero stays as it is.
      const fixed = parts.findIndex((part) => part > 0);
      return between(release, after(parts.slice(0, fixed < 0 ? parts.length : fixed + 1)));
    }
    case '~':
      if (tilde === 'minor') return between(release, after(parts.slice(0, 2)));
      return between(release, after(parts.slice(0, Math.max(1, parts.length - 1))));
    case '~=':
    case '~>':
      return between(release, after(parts.slice(0, Math.max(1, parts.length - 1))));
    default:
      return wild ? startingWith(parts) : between(release, next);
  }
}

/** What a pin means, `3.12.4` that version and `3.12` any that begins with it, as a range; `undefined`: not a version. */
export function rangeOfPin(text: string): string | undefined {
  const match =
    /^v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:[-+.~_][a-z\d][\w.+-]{0,40}|[a-z]\w{0,40})?$/i.exec(
      text,
    );
  if (match === null) return undefined;
  return toRange(
    startingWith(
      match
        .slice(1)
        .filter((part) => part !== undefined)
        .map(Number),
    ),
  );
}

/** Any version from a written one on, as a range; `undefined`: not a version. */
export function rangeFrom(text: string): string | undefined {
  return rangeOf('pep440', `>=${text}`);
}

/** `17` of `temurin-17.0.8+7`, `17.0.8-tem`, `openjdk64-17.0.1`, and `8` of `1.8`: distributions have the last of it. */
export function rangeOfJava(text: string): string | undefined {
  const match = /(?:^|[a-z\d]-)(?:1[._](?=\d\b))?(\d{1,2})(?:[._+-]|$)/i.exec(
    text.slice(0, longest),
  );
  return match ? toRange(startingWith([Number(match[1])])) : undefined;
}
