import * as z from 'zod';
import { secretProviders } from '../secrets/registry.ts';
import * as field from './fields.ts';
import { parseGuestPath } from './guest-path.ts';
import { fileMode } from './provision-step.ts';

/** Who is asked for a secret. */
export const providerName = field.oneOf(['auto', ...secretProviders.map(({ name }) => name)]);

/** What is below /run is in memory. Of CloneBox's own places only the usual one is for secrets. */
function parseSecretPath(text: string): string {
  const path = parseGuestPath(text);
  if (!path.startsWith('/run/')) throw new RangeError('must be below /run, which is in memory');
  const own = /^\/run\/(clonebox|systemd)(\/|$)/.test(path);
  if (own) throw new RangeError('is a place of the system: choose another one below /run');
  return path;
}

const item = z.strictObject({
  key: field.filledWord.optional(),
  provider: providerName.optional(),
  path: field.parsed(parseSecretPath).optional(),
  mode: fileMode.optional(),
  owner: field.userName.optional(),
  service: field.serviceName.optional(),
});

/** The options of each provider that a project may give any. */
const options = Object.fromEntries(
  secretProviders.flatMap(({ name, schema, ownOnly }) =>
    schema === undefined || ownOnly ? [] : [[name, schema.optional()]],
  ),
);

/** `secrets`: what a guest is given, and whom to ask for it. */
export const secretsSchema = z.strictObject({
  provider: providerName.optional(),
  items: z.record(field.variableName, item).optional(),
  ...options,
});
