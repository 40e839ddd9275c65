import type { Files } from '../core/host.ts';
import { mapBounded } from '../lib/map-bounded.ts';

const atOnce = 32;
/** A directory whose own bytes are more has very many names: to list them alone would take too long. */
const largestDirectory = 1024 ** 2;

/**
 * The bytes of the files below a directory, or of a file; `null` when there are more than `most` names, or a part may not
 * be read. Links are not followed.
 */
export async function countBytes(
  files: Files,
  path: string,
  { most, signal }: { most: number; signal: AbortSignal },
): Promise<number | null> {
  const facts = await files.facts(path).catch(() => undefined);
  if (facts?.kind !== 'directory') return facts?.size ?? null;
  if (facts.size > largestDirectory) return null;
  const waiting = [path];
  let bytes = 0;
  let names = 0;
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    signal.throwIfAborted();
    const inside = await files.list(directory).catch(() => undefined);
    if (inside === undefined) return null;
    names += inside.length;
    if (names > most) return null;
    const found = await mapBounded(inside, atOnce, async (name) => {
      const full = `${directory}/${name}`;
      return { full, facts: await files.facts(full).catch(() => undefined) };
    });
    for (const { full, facts: one } of found) {
      if (one?.kind === 'directory') {
        if (one.size > largestDirectory) return null;
        waiting.push(full);
      } else if (one?.kind === 'file') bytes += one.size;
    }
  }
  return bytes;
}
