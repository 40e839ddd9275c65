import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import type {
  FoundSecret,
  SecretDeps,
  SecretOptions,
  SecretProvider,
  SecretReference,
  SecretResolver,
  SecretSource,
} from '../core/secrets.ts';
import { nearest } from '../lib/near.ts';
import { secretProviders } from './registry.ts';

/** What a guest keeps in memory for each secret, at most (bytes). */
const largestSecret = 1024 * 1024;

/**
 * Finds secrets by their references: in the provider that is named, or for `auto` in those that are configured, in
 * the registry's order. Options name files and variables, never secrets of other providers: so no reference can lead
 * back to itself, and there is nothing to detect.
 */
export function openSecrets(
  options: SecretOptions,
  deps: SecretDeps,
  providers: readonly SecretProvider[] = secretProviders,
): SecretResolver {
  const opened = new Map<string, Promise<SecretSource>>();
  const sourceOf = (provider: SecretProvider, io: Io): Promise<SecretSource> => {
    const known = opened.get(provider.name);
    if (known !== undefined) return known;
    const opening = open(provider, options, { deps, io });
    opened.set(provider.name, opening);
    // One that was interrupted may be opened again; one that failed fails for every secret, without another try.
    opening.catch(() => io.signal.aborted && opened.delete(provider.name));
    return opening;
  };
  return {
    resolve: async (reference, io) => {
      const asked: string[] = [];
      for (const provider of providersFor(reference, { options, deps, providers })) {
        io.signal.throwIfAborted();
        const source = await sourceOf(provider, io);
        const secret = await source.get(reference.key, io);
        if (secret !== undefined) {
          return checked({ secret, provider: provider.name, where: source.where }, reference);
        }
        asked.push(source.where);
      }
      throw missing(reference, asked);
    },
  };
}

interface Choice {
  readonly options: SecretOptions;
  readonly deps: SecretDeps;
  readonly providers: readonly SecretProvider[];
}

function providersFor({ name, provider }: SecretReference, choice: Choice): SecretProvider[] {
  const { options, deps, providers } = choice;
  if (provider === 'auto') {
    return providers.filter((one) => one.isConfigured(optionsOf(one, options), deps.host.env));
  }
  const named = providers.find((one) => one.name === provider);
  if (named !== undefined) return [named];
  const names = ['auto', ...providers.map((one) => one.name)];
  const near = nearest(provider, names);
  throw new CloneboxError(
    'config-invalid',
    `the secret ${name} is to come from ${provider}, and there is no such provider`,
    {
      hint: near ? `Did you mean ${near}?` : `There are: ${names.join(', ')}.`,
      facts: { name, provider },
    },
  );
}

/** The user's own come first. What runs a program is never taken from a project. */
function optionsOf({ name, ownOnly }: SecretProvider, { own, project }: SecretOptions): unknown {
  return own[name] ?? (ownOnly ? undefined : project[name]);
}

async function open(
  provider: SecretProvider,
  options: SecretOptions,
  { deps, io }: { deps: SecretDeps; io: Io },
): Promise<SecretSource> {
  const given = optionsOf(provider, options);
  // What is named without a part of its own in the configuration has the defaults, if they are enough.
  if (given !== undefined || provider.schema === undefined) return provider.open(given, deps, io);
  const defaults = provider.ownOnly ? undefined : provider.schema.safeParse({});
  if (defaults?.success) return provider.open(defaults.data, deps, io);
  const place = provider.ownOnly ? 'your own configuration' : 'the configuration';
  throw new CloneboxError('config-invalid', `the secrets provider ${provider.name} is not set up`, {
    hint: `Give ${place} a part secrets.${provider.name}, or name another provider.`,
    facts: { provider: provider.name },
  });
}

function checked(found: FoundSecret, { name, key }: SecretReference): FoundSecret {
  const { secret, where } = found;
  const size = secret.bytes().length;
  if (size > 0 && size <= largestSecret) return found;
  const problem = size === 0 ? 'is empty' : 'is larger than 1 MiB';
  throw new CloneboxError('refused', `the secret ${name} ${problem}: ${key} in ${where}`, {
    // Whoever wants nothing leaves the secret out: an empty one is nearly always a slip.
    hint:
      size === 0 ? `Give ${key} a value, or take it away there.` : 'Share it as a file instead.',
    facts: { name, key, where, size },
  });
}

function missing({ name, key, provider }: SecretReference, asked: readonly string[]): Error {
  const isVariable = /^[A-Za-z_][A-Za-z0-9_]*$/.test(key);
  const inFile = provider === 'auto' || provider === 'env';
  const set = inFile && isVariable ? `Give ${key} a line in .clonebox.env (chmod 600), or n` : 'N';
  return new CloneboxError(
    'refused',
    `the secret ${name} was found nowhere: no ${key} in ${asked.join(', then ')}`,
    {
      hint: `${set}ame its right key or provider at secrets.items.${name}.`,
      facts: { name, provider, key, asked },
    },
  );
}
