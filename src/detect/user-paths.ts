import type { DetectInput, Detector, FoundPath } from '../core/detect.ts';
import type { FileFacts } from '../core/file-facts.ts';
import { credentialsAt } from '../core/secret-places.ts';
import { inTime } from '../lib/deadline.ts';
import { isWithin } from '../lib/is-within.ts';
import { mapBounded } from '../lib/map-bounded.ts';
import { printable } from '../lib/printable.ts';
import { countBytes } from './count-bytes.ts';
import { holders, type KnownPath, knownPaths, sensitiveReason, tokenFiles } from './known-paths.ts';
import { createLook, type Look } from './look.ts';
import { baseName, below } from './paths.ts';

const mostNames = 2000;
const mostUnknown = 60;
const atOnce = { looking: 16, counting: 4 };
/** Milliseconds for all sizes together: what is left then has none. */
const countingTime = 500;
/** Milliseconds for a look at one place. */
const patience = 300;

/** Settings and data of the user's programs, and which of them are never given away. */
export const userPaths: Detector<'paths'> = {
  area: 'paths',
  summary: 'settings and data of your programs, and which of them hold credentials',
  async detect(input) {
    const look = createLook(input);
    await noteUnreadable(input, look);
    const all = [...knownPaths, ...(await unknownPaths(input, look))];
    const there = await mapBounded(all, atOnce.looking, (known) =>
      inPatience(input, known.path, placeOf(look, known)),
    );
    const places = there.filter((place) => place !== undefined);
    const limit = AbortSignal.any([
      input.io.signal,
      AbortSignal.timeout(countingTime * input.pace),
    ]);
    return mapBounded(places, atOnce.counting, (place) => itemOf(input, place, limit));
  },
};

async function noteUnreadable({ host, scope, note }: DetectInput, { home }: Look): Promise<void> {
  const list = host.files.list(below(scope.root, home));
  await list.catch(() => note(`${printable(home)} may not be read`));
}

/** What a look at a place says; `undefined` with a note when it hangs: that must not take the other places along. */
async function inPatience<T>(
  { io, note, pace }: DetectInput,
  path: string,
  looking: Promise<T>,
): Promise<T | undefined> {
  try {
    return await inTime(
      looking,
      AbortSignal.any([io.signal, AbortSignal.timeout(patience * pace)]),
    );
  } catch {
    io.signal.throwIfAborted();
    note(`${printable(path)} was not looked at in time`);
    return undefined;
  }
}

interface Guessed extends KnownPath {
  readonly isGuess?: true;
}

/** What else is where programs put their things: of programs that nobody here has heard of. */
async function unknownPaths(input: DetectInput, look: Look): Promise<Guessed[]> {
  const { home } = look;
  const known = knownPaths.map(({ path }) => path);
  const parts = await Promise.all(
    holders.map(async ({ path: holder, kind }): Promise<Guessed[]> => {
      const names = await look.names(`${home}/${holder}`);
      const paths = names
        .filter((name) => !name.startsWith('.'))
        .map((name) => `${holder}/${name}`)
        // A known one may be deeper: `.config/Code/User`.
        .filter((path) => !known.some((one) => isWithin(path, one)));
      const some = paths.slice(0, mostUnknown);
      const directories = await mapBounded(some, atOnce.looking, async (path) => {
        const facts = await inPatience(input, path, look.facts(`${home}/${path}`));
        if (facts?.kind !== 'directory') return [];
        return [{ name: baseName(path), kind, path, isGuess: true } as const];
      });
      return directories.flat();
    }),
  );
  return parts.flat();
}

interface Place extends Guessed {
  /** The path, absolute, and with its links resolved. */
  readonly full: string;
  readonly real: string;
  readonly facts: FileFacts;
  readonly sensitive: string | null;
}

async function placeOf(look: Look, known: Guessed): Promise<Place | undefined> {
  const full = known.path.startsWith('/') ? known.path : `${look.home}/${known.path}`;
  const real = await look.real(full);
  const facts = real === undefined ? undefined : await look.facts(full);
  if (real === undefined || facts === undefined) return undefined;
  return {
    ...known,
    full,
    real,
    facts,
    sensitive: await whySensitive(look, { full, real, known }),
  };
}

/** By the path that it has, and by the one that it leads to. */
async function whySensitive(
  look: Look,
  { full, real, known }: { full: string; real: string; known: KnownPath },
): Promise<string | null> {
  const { home } = look;
  const ownHome = (await look.real(home)) ?? home;
  if (isWithin(real, ownHome)) return 'it leads to your whole home directory';
  const credentials =
    credentialsAt(full, [home]) ?? credentialsAt(real, [...new Set([home, ownHome])]);
  if (credentials !== undefined) return credentials.replace(/^is /, '').replace(/ \(.*\)$/, '');
  const own = sensitiveReason(known.path);
  if (own !== null) return own;
  const tokens = (await look.names(full)).find((name) => tokenFiles.includes(name));
  return tokens === undefined ? null : `it may hold tokens (${tokens})`;
}

async function itemOf(
  { host, scope, io }: DetectInput,
  place: Place,
  limit: AbortSignal,
): Promise<FoundPath> {
  const { name, kind, full, real, sensitive, isGuess } = place;
  const bytes = sensitive === null ? await count() : null;
  const finding = {
    source: printable(full, 200),
    confidence: isGuess ? ('guess' as const) : ('certain' as const),
    reason: reasonOf({ name: printable(name, 40), bytes, sensitive, isGuess }),
  };
  return {
    ...{ name: printable(name), path: printable(full, 1000), kind, bytes },
    ...{ sensitive, finding },
  };

  async function count(): Promise<number | null> {
    const options = { most: mostNames, signal: limit };
    const counting = countBytes(host.files, below(scope.root, real), options);
    const counted = await inTime(counting, limit).catch(() => null);
    io.signal.throwIfAborted();
    return counted;
  }
}

interface Told extends Pick<FoundPath, 'name' | 'bytes' | 'sensitive'> {
  readonly isGuess: true | undefined;
}

function reasonOf({ name, bytes, sensitive, isGuess }: Told): string {
  if (sensitive !== null) return `${sensitive}; not looked into`;
  const what = isGuess ? 'by its place' : `of ${name}`;
  return bytes === null ? `${what}; not counted` : what;
}
