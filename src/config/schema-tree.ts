import type * as z from 'zod';
import type { Path } from './problem.ts';

type Schema = z.core.$ZodType;

/** The schema below optional, nullable and transforming wrappers: what the user writes. */
function written(schema: Schema): z.core.$ZodTypes {
  const known = schema as z.core.$ZodTypes;
  const { def } = known._zod;
  if (def.type === 'optional' || def.type === 'nullable') return written(def.innerType);
  if (def.type === 'pipe') return written(def.in);
  return known;
}

/** The schema of the value at a path, or `undefined` where no key is known. */
export function schemaAt(schema: Schema, path: Path): z.core.$ZodTypes | undefined {
  const here = written(schema);
  const [step, ...rest] = path;
  if (step === undefined) return here;
  const { def } = here._zod;
  const next =
    def.type === 'object' && Object.hasOwn(def.shape, step)
      ? def.shape[step]
      : def.type === 'array'
        ? def.element
        : def.type === 'record'
          ? def.valueType
          : undefined;
  return next && schemaAt(next, rest);
}

/** The keys known at a path. */
export function keysAt(schema: Schema, path: Path): string[] {
  const def = schemaAt(schema, path)?._zod.def;
  return def?.type === 'object' ? Object.keys(def.shape) : [];
}

/** True where text is wanted, so that an unquoted `1.10` or `0644` stays as it was written. */
export function isTextAt(schema: Schema, path: Path): boolean {
  return schemaAt(schema, path)?._zod.def.type === 'string';
}

/** Every key of the file, dotted, with `*` for a name that the user chooses and `[]` for the items of a list. */
export function allKeys(schema: Schema, prefix = ''): string[] {
  const { def } = written(schema)._zod;
  if (def.type === 'array') return allKeys(def.element, `${prefix}[]`);
  if (def.type === 'record') return allKeys(def.valueType, `${prefix}.*`);
  if (def.type !== 'object') return [];
  return Object.entries(def.shape).flatMap(([key, value]) => {
    const path = prefix ? `${prefix}.${key}` : key;
    return [path, ...allKeys(value, path)];
  });
}
