import type { FoundFact } from '../core/detect.ts';
import { printable } from '../lib/printable.ts';
import type { Look } from './look.ts';

const keys = new Map([
  ['name', 'git name'],
  ['email', 'git email'],
]);

/**
 * The name and the address that the user's commits have. Nothing else of the configuration is kept: it may hold tokens,
 * and names of programs that know them. What it includes from other files is not read.
 */
export async function readGitIdentity(look: Look): Promise<FoundFact[]> {
  // Of the same key in both, git takes the second.
  const places = [`${look.home}/.config/git/config`, `${look.home}/.gitconfig`];
  const found = new Map<string, FoundFact>();
  for (const source of places) {
    for (const [key, value] of valuesOfUser((await look.text(source)) ?? '')) {
      const name = keys.get(key);
      if (name === undefined || value === '') continue;
      const finding = { source, confidence: 'certain', reason: `user.${key} of git` } as const;
      found.set(name, { name, value: printable(value), finding });
    }
  }
  return [...keys.values()].flatMap((name) => found.get(name) ?? []);
}

/** The keys of `[user]`, each with its value; git-config(1) has the syntax. */
function valuesOfUser(text: string): [key: string, value: string][] {
  const values: [string, string][] = [];
  let section = '';
  for (const line of text.split(/\r?\n/, 5000)) {
    const [, head, rest = line] = /^\s*\[([^\]"]{1,100}(?:"[^"]{0,500}")?)\](.*)$/.exec(line) ?? [];
    if (head !== undefined) section = head.trim().toLowerCase();
    if (section !== 'user') continue;
    const [, key, value] = /^\s*([A-Za-z][\w-]{0,60})\s*=\s*(.{0,500})$/.exec(rest) ?? [];
    if (key !== undefined && value !== undefined) values.push([key.toLowerCase(), plain(value)]);
  }
  return values;
}

/** A value without its quotes, escapes and comment. */
function plain(value: string): string {
  let result = '';
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] ?? '';
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\') {
      at += 1;
      result += value[at] ?? '';
    } else if (!isQuoted && (character === '#' || character === ';')) break;
    else result += character;
  }
  return result.trim();
}
