import { parse } from 'smol-toml';
import { Composer } from 'yaml';
import * as z from 'zod';
import { yamlTokens } from '../../lib/yaml-tokens.ts';

// Others write these files for other programs: what has an unexpected shape is as good as absent.

/** A text, or nothing. */
export const text = z.string().optional().catch(undefined);
/** The texts of a list. */
export const texts = z
  .array(z.unknown())
  .transform((list) => list.filter((item) => typeof item === 'string'))
  .optional()
  .catch(undefined);
/** A table whose names matter. */
export const table = z.record(z.string(), z.unknown()).optional().catch(undefined);

/** A table of known names, or nothing. */
export function shape<Shape extends z.core.$ZodLooseShape>(names: Shape) {
  return z.looseObject(names).optional().catch(undefined);
}

/** Reads TOML; `undefined` when it is none. */
export function readToml<Schema extends z.ZodType>(
  source: string,
  schema: Schema,
): z.output<Schema> | undefined {
  try {
    return schema.safeParse(parse(source, { maxDepth: 100 })).data;
  } catch {
    return undefined;
  }
}

/** Reads JSON; `undefined` when it is none. */
export function readJson<Schema extends z.ZodType>(
  source: string,
  schema: Schema,
): z.output<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(source)).data;
  } catch {
    return undefined;
  }
}

/** Reads JSON with comments and trailing commas; `undefined` when it is none. */
export function readJsonc<Schema extends z.ZodType>(
  source: string,
  schema: Schema,
): z.output<Schema> | undefined {
  return readJson(plainJson(source), schema);
}

/** By one walk through the text: a pattern would begin anew at every quote of a text that never ends. */
function plainJson(source: string): string {
  const parts: string[] = [];
  let from = 0;
  let at = 0;
  // Where the last comma is among the parts, while nothing but white space and comments has followed it.
  let comma = -1;
  const cut = (to: number) => {
    parts.push(source.slice(from, at));
    at = to < 0 ? source.length : to;
    from = at;
  };
  while (at < source.length) {
    const character = source[at];
    const two = source.slice(at, at + 2);
    if (two === '//') cut(source.indexOf('\n', at));
    else if (two === '/*') {
      const end = source.indexOf('*/', at + 2);
      cut(end < 0 ? -1 : end + 2);
    } else if (character === ',') {
      cut(at + 1);
      comma = parts.push(',') - 1;
    } else {
      if (character === '"') at = endOfText(source, at);
      if ((character === '}' || character === ']') && comma >= 0) parts[comma] = '';
      if (!/\s/.test(character ?? '')) comma = -1;
      at += 1;
    }
  }
  return parts.join('') + source.slice(from);
}

/** Where the quote is that ends a text. */
function endOfText(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== '"') at += source[at] === '\\' ? 2 : 1;
  return at;
}

const yamlBounds = { lexemes: 20_000, depth: 60 };

/** Reads the first document of a YAML text; `undefined` when it is none, or more than anybody writes by hand. */
export function readYaml<Schema extends z.ZodType>(
  source: string,
  schema: Schema,
): z.output<Schema> | undefined {
  try {
    const tokens = yamlTokens(source, yamlBounds);
    if (!Array.isArray(tokens)) return undefined;
    // Duplicate keys are not looked for: the library's check of them is quadratic.
    const options = { merge: true, uniqueKeys: false, logLevel: 'silent' as const };
    const [document] = new Composer(options).compose(tokens, false, source.length);
    if (document === undefined || document.errors.length > 0) return undefined;
    return schema.safeParse(document.toJS({ maxAliasCount: 50 })).data;
  } catch {
    return undefined;
  }
}
