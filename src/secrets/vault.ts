import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import type { SecretDeps, SecretSource } from '../core/secrets.ts';
import { leafText } from './leaf.ts';
import { once } from './once.ts';
import { placeOf, readSecretText } from './secret-file.ts';
import { createVaultClient, type VaultAnswer, type VaultRequest } from './vault-client.ts';
import { addressProblem, isVaultPath, type VaultOptions } from './vault-options.ts';
import { requireNoGuest } from './vault-place.ts';
import { findToken } from './vault-token.ts';

const fields = z.record(z.string(), z.unknown());
const mountAnswer = z.looseObject({
  data: z.looseObject({
    type: z.string(),
    path: z.string(),
    options: z.looseObject({ version: z.string().optional() }).nullish(),
  }),
});
const kv1Answer = z.looseObject({ data: fields });
const kv2Answer = z.looseObject({ data: z.looseObject({ data: fields }) });
const warned = z.looseObject({ warnings: z.array(z.string()).nullish(), data: z.unknown() });

/** A KV engine of one Vault, with what is known of it so far. */
interface Engine {
  readonly options: VaultOptions;
  readonly address: string;
  readonly request: VaultRequest;
  readonly token: (io: Io) => Promise<Secret>;
}

/**
 * A KV engine (version 1 or 2) of HashiCorp Vault. The address is the options' or VAULT_ADDR, and nothing else: it is
 * not looked for. Keys are `path/in/the/mount#field`; the field is `value` unless it is named.
 */
export async function openVault(options: VaultOptions, deps: SecretDeps): Promise<SecretSource> {
  const { host } = deps;
  const address = addressOf(options, host.env);
  await requireNoGuest(address, deps);
  const ca = await certificates(options, deps);
  const namespace = options.namespace ?? (host.env.VAULT_NAMESPACE || undefined);
  const { timeout, mount } = options;
  const request = createVaultClient({ address, namespace, ca, timeout }, host);
  const token = once((io: Io) => findToken(options, { request, address, deps }, io));
  const engine: Engine = { options, address, request, token };
  const version = once(async ({ path, io }: { path: string; io: Io }) =>
    options.kv === 'auto' ? findVersion(engine, path, io) : options.kv,
  );
  const inside = namespace === undefined ? '' : `, namespace ${namespace}`;
  return {
    where: `Vault at ${address}, mount ${mount}${inside}`,
    get: async (key, io) => {
      io.signal.throwIfAborted();
      const { path, field } = parseKey(key);
      const kv = await version({ path, io });
      const found = await read(engine, { kv, path }, io);
      if (found === undefined || !Object.hasOwn(found, field)) return undefined;
      return createSecret(leafText(found[field], `${field} of ${mount}/${path} in Vault`));
    },
  };
}

function addressOf(options: VaultOptions, env: SecretDeps['host']['env']): string {
  const address = options.address ?? env.VAULT_ADDR;
  if (!address) {
    throw new CloneboxError('config-invalid', 'Vault has no address', {
      hint: 'Set VAULT_ADDR, or secrets.vault.address to https://…',
    });
  }
  const problem = addressProblem(address);
  if (problem === undefined) return address.replace(/\/+$/, '');
  const place = options.address === undefined ? 'VAULT_ADDR' : 'secrets.vault.address';
  throw new CloneboxError('config-invalid', `${place} ${problem}`, {
    hint: 'Write for example https://vault.example.org:8200.',
  });
}

async function certificates(
  { ca_file }: VaultOptions,
  deps: SecretDeps,
): Promise<string | undefined> {
  const path = ca_file ?? deps.host.env.VAULT_CACERT;
  if (!path) return undefined;
  const place = await placeOf(path, deps);
  const what = 'the certificate authority of Vault';
  const text = await readSecretText(place, deps, { what, isPrivate: false });
  if (text?.includes('-----BEGIN CERTIFICATE-----')) return text;
  const problem = text === undefined ? 'is not there' : 'is not a certificate (PEM)';
  throw new CloneboxError('config-invalid', `${what} ${problem}: ${place}`, {
    hint: 'Look at secrets.vault.ca_file, or VAULT_CACERT.',
    facts: { path: place },
  });
}

function parseKey(key: string): { path: string; field: string } {
  const hash = key.lastIndexOf('#');
  const path = hash < 0 ? key : key.slice(0, hash);
  const field = hash < 0 ? 'value' : key.slice(hash + 1);
  if (isVaultPath(path) && field !== '') return { path, field };
  throw new CloneboxError('config-invalid', `${key} is not a key of Vault`, {
    hint: 'Write path/in/the/mount or path/in/the/mount#field, without the mount and without data/.',
    facts: { key },
  });
}

/** As the vault CLI finds out: https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts */
async function findVersion(engine: Engine, path: string, io: Io): Promise<1 | 2> {
  const { request, options, address } = engine;
  const whole = `${options.mount}/${path}`;
  const token = await engine.token(io);
  const answer = await request(`sys/internal/ui/mounts/${encoded(whole)}`, io, { token });
  // Before this question could be asked there was only version 1.
  if (answer.status === 404) return 1;
  if (answer.status !== 200) throw await denied(engine, { answer, path: whole }, io);
  const found = mountAnswer.safeParse(answer.body);
  if (!found.success) throw strange(address, 'about its mount');
  const { type, path: mount, options: given } = found.data.data;
  if (mount !== `${options.mount}/`) {
    throw new CloneboxError('config-invalid', `${whole} is in the mount ${mount} of Vault`, {
      hint: `Set secrets.vault.mount to ${mount}, and take it out of the key.`,
      facts: { address, mount },
    });
  }
  if (type !== 'kv' && type !== 'generic') {
    throw new CloneboxError('config-invalid', `the mount ${mount} of Vault is ${type}, not kv`, {
      hint: 'Name a key-value engine at secrets.vault.mount.',
      facts: { address, mount, type },
    });
  }
  return given?.version === '2' ? 2 : 1;
}

/** The fields at a path; `undefined` when there are none. */
async function read(
  engine: Engine,
  { kv, path }: { kv: 1 | 2; path: string },
  io: Io,
): Promise<Record<string, unknown> | undefined> {
  const { request, options, address } = engine;
  const whole = kv === 2 ? `${options.mount}/data/${path}` : `${options.mount}/${path}`;
  const token = await engine.token(io);
  const answer = await request(encoded(whole), io, { token });
  if (answer.status === 404) return nothingAt(engine, answer, whole);
  if (answer.status !== 200) throw await denied(engine, { answer, path: whole }, io);
  const found = kv === 2 ? kv2Answer.safeParse(answer.body) : kv1Answer.safeParse(answer.body);
  if (!found.success) throw strange(address, `about ${whole}`);
  return (kv === 2 ? found.data.data.data : found.data.data) as Record<string, unknown>;
}

/** A 404 with reasons is not about the secret: there is no such mount, or it is of the other version. */
function nothingAt({ address }: Engine, { body, errors }: VaultAnswer, path: string): undefined {
  const warnings = warned.safeParse(body).data?.warnings ?? [];
  const other = warnings.some((text) => /versioned K\/V/i.test(text));
  if (errors.length === 0 && !other) return undefined;
  const reason = other ? 'its mount is KV version 2' : errors.join('; ');
  throw new CloneboxError('config-invalid', `Vault at ${address} has no ${path}: ${reason}`, {
    hint: 'Look at secrets.vault: mount, kv and namespace.',
    facts: { address, path },
  });
}

/** Vault says 403 for a token that has expired and for one that may not: the token's own place tells which. */
async function denied(
  { request, address, token }: Engine,
  { answer, path }: { answer: VaultAnswer; path: string },
  io: Io,
): Promise<CloneboxError> {
  const { status, errors } = answer;
  const facts = { address, path, status };
  const said = errors.length === 0 ? '' : `: ${errors.join('; ')}`;
  if (status === 403) {
    const own = await request('auth/token/lookup-self', io, { token: await token(io) });
    if (own.status === 403) {
      return new CloneboxError(
        'refused',
        `the token for Vault at ${address} is not valid, or not any more`,
        {
          hint: 'Log in again: `vault login`, or set VAULT_TOKEN to a token that is valid.',
          facts,
        },
      );
    }
  }
  return new CloneboxError(
    'refused',
    `Vault at ${address} does not let you read ${path} (${status}${said})`,
    {
      hint: 'Ask for a policy that lets you, or look at secrets.vault: mount, kv and namespace.',
      facts,
    },
  );
}

function strange(address: string, what: string): CloneboxError {
  return new CloneboxError(
    'host-unable',
    `Vault at ${address} said what is not understood ${what}`,
    {
      facts: { address },
    },
  );
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
