import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import type { SecretDeps } from '../core/secrets.ts';
import { placeOf, readSecretText } from './secret-file.ts';
import type { VaultRequest } from './vault-client.ts';
import type { VaultOptions } from './vault-options.ts';

const loginAnswer = z.looseObject({ auth: z.looseObject({ client_token: z.string() }) });

/** What a login needs. */
export interface VaultLogin {
  readonly request: VaultRequest;
  readonly address: string;
  readonly deps: SecretDeps;
}

/**
 * The token of this user: by the AppRole of the options, else from their `token_file`, else VAULT_TOKEN, else
 * `~/.vault-token`, where `vault login` puts it. Fails with `refused` when there is none, or the login is turned down.
 */
export async function findToken(options: VaultOptions, login: VaultLogin, io: Io): Promise<Secret> {
  const { deps } = login;
  const { host } = deps;
  if (options.approle !== undefined) return logIn(options.approle, login, io);
  if (options.token_file !== undefined) {
    const place = await placeOf(options.token_file, deps);
    return tokenOf(await fromFile(place, deps, 'the file of the Vault token'), place);
  }
  if (host.env.VAULT_TOKEN) return tokenOf(host.env.VAULT_TOKEN, 'VAULT_TOKEN');
  const usual = `${host.user.home}/.vault-token`;
  const text = await readSecretText(usual, deps, { what: 'the Vault token', isPrivate: true });
  if (text !== undefined) return tokenOf(text, usual);
  throw new CloneboxError('refused', `there is no token for Vault at ${login.address}`, {
    hint: 'Log in with `vault login`, set VAULT_TOKEN, or set up secrets.vault.approle.',
    facts: { address: login.address },
  });
}

async function logIn(
  role: NonNullable<VaultOptions['approle']>,
  { request, address, deps }: VaultLogin,
  io: Io,
): Promise<Secret> {
  const secretId = await findSecretId(role, deps);
  const { status, body, errors } = await request(`auth/${role.mount}/login`, io, {
    body: { role_id: role.role_id, ...(secretId && { secret_id: secretId.reveal() }) },
  });
  const answer = loginAnswer.safeParse(body);
  if (status === 200 && answer.success) return createSecret(answer.data.auth.client_token);
  const said = errors.length === 0 ? '' : `: ${errors.join('; ')}`;
  throw new CloneboxError(
    'refused',
    `Vault at ${address} turned the AppRole login down (${status}${said})`,
    {
      hint: 'Look at secrets.vault.approle: its role_id, the secret_id, which may have expired, and its mount.',
      facts: { address, status, mount: role.mount },
    },
  );
}

async function findSecretId(
  { secret_id_env, secret_id_file }: NonNullable<VaultOptions['approle']>,
  deps: SecretDeps,
): Promise<Secret | undefined> {
  if (secret_id_file !== undefined) {
    const place = await placeOf(secret_id_file, deps);
    const text = await fromFile(place, deps, 'the file of the secret_id');
    return createSecret(text.trim());
  }
  if (secret_id_env === undefined) return undefined;
  const value = deps.host.env[secret_id_env];
  if (value) return createSecret(value.trim());
  throw new CloneboxError(
    'refused',
    `the variable ${secret_id_env} with the secret_id is not set`,
    {
      hint: `Set ${secret_id_env}, or name a file at secrets.vault.approle.secret_id_file.`,
      facts: { variable: secret_id_env },
    },
  );
}

async function fromFile(path: string, deps: SecretDeps, what: string): Promise<string> {
  const text = await readSecretText(path, deps, { what, isPrivate: true });
  if (text !== undefined) return text;
  throw new CloneboxError('refused', `${what} is not there: ${path}`, { facts: { path } });
}

function tokenOf(text: string, place: string): Secret {
  const token = createSecret(text.trim());
  // Anything else cannot be sent, and what could not be sent would be quoted by an error.
  if (/^[\x21-\x7e]+$/.test(token.reveal())) return token;
  throw new CloneboxError('refused', `what is in ${place} is not a token of Vault`, {
    hint: 'A token is one word: hvs.… or s.…',
    facts: { place },
  });
}
