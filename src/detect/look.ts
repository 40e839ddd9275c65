import type { DetectInput } from '../core/detect.ts';
import type { FileFacts } from '../core/file-facts.ts';
import { isWithin } from '../lib/is-within.ts';
import { below } from './paths.ts';

const mostNames = 500;
const longestText = 2 * 1024 ** 2;
const mostLinks = 20;

/** The files of the system that is looked at, by its own paths. What may not be read is as good as absent. */
export interface Look {
  /** The user's home directory, as the system that is looked at has it. */
  readonly home: string;
  /** The names in a directory, sorted; the rest of very many is left out. */
  names(path: string): Promise<readonly string[]>;
  /** The text of an ordinary file of at most 2 MiB. */
  text(path: string): Promise<string | undefined>;
  /** What is there, links followed. */
  facts(path: string): Promise<FileFacts | undefined>;
  /** Where a link leads, as it is written. */
  link(path: string): Promise<string | undefined>;
  /** The path with its links resolved; `undefined` when it leads nowhere or out of the root. */
  real(path: string): Promise<string | undefined>;
}

/** Looks at the files below the root of a scope. */
export function createLook({ host, scope, io }: DetectInput): Look {
  const { files } = host;
  const { root } = scope;
  const quietly = <T>(action: Promise<T>): Promise<T | undefined> => {
    io.signal.throwIfAborted();
    return action.catch(() => undefined);
  };
  const real = async (path: string): Promise<string | undefined> => {
    let at = path;
    // An absolute link below another root means that root's own.
    for (let links = 0; root !== '/' && links < mostLinks; links += 1) {
      const to = await quietly(files.readLink(below(root, at)));
      if (to === undefined) break;
      at = resolved(at, to);
    }
    const found = await quietly(files.realPath(below(root, at)));
    if (found === undefined || root === '/') return found;
    const origin = await quietly(files.realPath(root));
    if (origin === undefined || !isWithin(origin, found)) return undefined;
    return found.slice(origin.length) || '/';
  };
  const facts = async (path: string) => {
    const place = await real(path);
    return place === undefined ? undefined : quietly(files.facts(below(root, place)));
  };
  const { home } = scope;
  return {
    home: root !== '/' && isWithin(root, home) ? home.slice(root.length) : home,
    real,
    facts,
    link: (path) => quietly(files.readLink(below(root, path))),
    names: async (path) => {
      const names = await quietly(files.list(below(root, path)));
      // A name that is no UTF-8 cannot be opened by what Node makes of it.
      return (names ?? []).filter((name) => !name.includes('\ufffd')).slice(0, mostNames);
    },
    text: async (path) => {
      const place = await real(path);
      if (place === undefined) return undefined;
      const found = await quietly(files.facts(below(root, place)));
      // A pipe would never end.
      if (found?.kind !== 'file' || found.size > longestText) return undefined;
      return quietly(files.readText(below(root, place)));
    },
  };
}

/** Where a link at a path leads. */
function resolved(path: string, target: string): string {
  const start = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  const parts: string[] = [];
  for (const part of [...start, ...target.split('/')]) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
