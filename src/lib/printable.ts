import { redact } from './redact.ts';

// Control characters, and the invisible ones that reorder a line: a terminal would obey them.
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text that others wrote, made safe for one line of a terminal: controls escaped, at most `longest` characters. */
export function printable(text: string, longest = 80): string {
  // Half a secret is one still: it goes before the text is cut.
  const clean = redact(text)
    .slice(0, longest + 1)
    .replace(unprintable, escaped);
  if (clean.length <= longest) return clean;
  // Half a character would be one that no terminal can show.
  return `${clean.slice(0, longest - 3).replace(/[\ud800-\udbff]$/, '')}...`;
}

/**
 * Lines that are ready for a terminal, but for what somebody else's name has brought into them: controls are escaped, and
 * only colours, tabs and ends of lines stay.
 */
export function withoutControls(text: string): string {
  return text.replace(
    /\x1b\[[\d;]*m|[\n\t]|[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    (found) => (found.length > 1 || found === '\n' || found === '\t' ? found : escaped(found)),
  );
}

/** As `printable`, in double quotes. */
export function quoted(text: string, longest = 80): string {
  return `"${printable(text, longest)}"`;
}

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
