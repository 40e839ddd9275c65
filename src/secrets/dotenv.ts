import { CloneboxError } from '../core/errors.ts';

const name = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=/y;
const blank = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const opening = /[ \t]*(?=(["'])?)/y;
const single = /'([^']*)'/y;
const double = /"([^"\\]*(?:\\.[^"\\]*)*)"/sy;
const line = /[^\n]*/y;

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$',
};

/**
 * The variables of a text of `NAME=VALUE` lines; of a name that stands twice, the last. `export` may stand before a
 * name and `# …` after a value. Values in quotes may have several lines: between `'` everything is as it is, between
 * `"` the escapes `\n \r \t \" \\ \$` are read and other backslashes kept. Nothing is expanded. Fails with
 * `config-invalid`, naming `file` and the line but nothing of it.
 */
export function parseDotenv(text: string, file: string): ReadonlyMap<string, string> {
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const found = new Map<string, string>();
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const result = pattern.exec(source);
    if (result !== null) at = pattern.lastIndex;
    return result;
  };
  const fail = (message: string): never => {
    const line = source.slice(0, at).split('\n').length;
    throw new CloneboxError('config-invalid', `${file}:${line}: ${message}`, {
      hint: 'Lines are NAME=VALUE, empty, or begin with #. Put a value of several lines in double quotes.',
      facts: { file, line },
    });
  };
  while (at < source.length) {
    if (match(blank)) continue;
    const key = match(name)?.[1] ?? fail('is not NAME=VALUE');
    // Of `A= # nothing`, the space is a part of the comment.
    const start = at;
    const quote = match(opening)?.[1];
    if (quote === undefined) {
      at = start;
      found.set(key, bare(match(line)?.[0] ?? ''));
    } else {
      const inside = match(quote === '"' ? double : single)?.[1] ?? fail('its quote has no end');
      found.set(key, quote === '"' ? unescaped(inside) : inside);
    }
    if (!match(blank)) fail('has something after the closing quote');
  }
  return found;
}

/** A # begins a comment only after a space: passwords and colours have them too. */
function bare(text: string): string {
  const comment = text.search(/[ \t]#/);
  let end = comment < 0 ? text.length : comment;
  while (text[end - 1] === ' ' || text[end - 1] === '\t') end -= 1;
  return text.slice(0, end).replace(/^[ \t]+/, '');
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (whole, letter: string) => escapes[letter] ?? whole);
}
