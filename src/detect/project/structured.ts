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
