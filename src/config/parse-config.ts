import type * as z from 'zod';
import { crossCheck } from './cross-check.ts';
import { readDocument } from './document.ts';
import { type Origin, originOf } from './origin.ts';
import { invalidConfig } from './problem.ts';
import { configSchema } from './schema.ts';
import { isTextAt } from './schema-tree.ts';
import { validate } from './validate.ts';

/** A validated configuration: what the user wrote, without defaults. */
export type Config = z.output<typeof configSchema> & { readonly origin?: Origin };

/**
 * Reads and validates the text of a `.clonebox.yaml`. Fails with `config-invalid`, which lists every problem as
 * `file:line:col path message` under the name `file`, and holds them in `facts.problems`.
 */
export function parseConfig(text: string, file: string): Config {
  const read = readDocument(text, (path) => isTextAt(configSchema, path));
  const { problems, valid } = validate(read, {
    ...{ file, schema: configSchema, check: crossCheck, first: versionIssues },
  });
  if (!valid) throw invalidConfig(problems);
  return { ...valid.value, origin: originOf(valid.data, { file, upgrade: read.notes }) };
}

/** Another version has other keys: to list them all as unknown would hide the one true reason. */
function versionIssues(issues: readonly z.core.$ZodIssue[], root: object): z.core.$ZodIssue[] {
  return issues.filter((issue) => issue.path[0] === 'version' && 'version' in root);
}
