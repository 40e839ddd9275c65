import * as z from 'zod';
import { secretProviders } from '../secrets/registry.ts';
import { readVersionless } from './document.ts';
import { invalidConfig } from './problem.ts';
import { isTextAt } from './schema-tree.ts';
import { validate } from './validate.ts';

const schema = z.strictObject(
  Object.fromEntries(
    secretProviders.flatMap(({ name, schema: options }) =>
      options === undefined ? [] : [[name, options.optional()]],
    ),
  ),
);

/**
 * What the user says of the providers of secrets in `secrets.yaml`, for all projects: it goes over what a project says.
 * Fails with `config-invalid` as the project's file does.
 */
export function parseSecretSettings(text: string, file: string): Readonly<Record<string, unknown>> {
  const read = readVersionless(text, (path) => isTextAt(schema, path));
  const { problems, valid } = validate(read, { file, schema, check: () => [] });
  if (!valid) throw invalidConfig(problems);
  return valid.value;
}
