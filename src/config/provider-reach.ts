import type { VmPlan } from '../core/plan.ts';
import type { SecretProvider } from '../core/secrets.ts';
import { secretProviders } from '../secrets/registry.ts';
import type { Reach } from './reach.ts';

/** What a project tells the providers of secrets: whom to ask with the user's own token, and which files to read. */
export function providerReach({ secrets, secretOptions, auth }: VmPlan): Reach[] {
  if (secrets.length === 0 && auth.password === undefined) return [];
  return secretProviders.flatMap((provider) => optionReach(provider, secretOptions[provider.name]));
}

/** Each option that is not as it would be without a word of the project: by what it is, or else by its own name. */
export function optionReach(
  { name, schema, optionNames = {} }: Pick<SecretProvider, 'name' | 'schema' | 'optionNames'>,
  options: unknown,
): Reach[] {
  const usual = new Map(leaves(schema?.safeParse({}).data));
  return leaves(options)
    .filter(([path, value]) => usual.get(path) !== value)
    .map(([path, value]) => ({ what: optionNames[path] ?? `secrets.${name}.${path}`, value }));
}

/** What is at the ends of nested options, by their paths with dots. */
function leaves(value: unknown, path = ''): (readonly [path: string, value: string])[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner, path === '' ? key : `${path}.${key}`),
  );
}
