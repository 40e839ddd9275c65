import * as z from 'zod';
import { durationOption } from './duration-option.ts';

const filled = z.string().min(1, 'is empty');

/** A path of Vault without its slashes at both ends: the mount of an engine. */
const mount = filled
  .transform((path) => path.replace(/^\/+|\/+$/g, ''))
  .refine(isVaultPath, 'is not a path of Vault');

/** What `secrets.vault` may say. Nothing in it is a secret. */
export const vaultOptions = z.strictObject({
  /** Default VAULT_ADDR. */
  address: z
    .string()
    .superRefine((text, context) => {
      const problem = addressProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .optional(),
  /** Default VAULT_NAMESPACE. */
  namespace: filled.regex(/^[\x21-\x7e]+$/, 'is not a namespace').optional(),
  mount: mount.prefault('secret'),
  kv: z.literal(['auto', 1, 2]).default('auto'),
  token_file: filled.optional(),
  approle: z
    .strictObject({
      role_id: filled,
      secret_id_env: filled.optional(),
      secret_id_file: filled.optional(),
      mount: mount.prefault('approle'),
    })
    .refine((role) => role.secret_id_env === undefined || role.secret_id_file === undefined, {
      message: 'names two places of the secret_id: keep one',
      path: ['secret_id_file'],
    })
    .optional(),
  /** PEM. Default VAULT_CACERT, else the certificates that Node trusts. */
  ca_file: filled.optional(),
  /** Of each request. */
  timeout: durationOption('10s'),
});

export type VaultOptions = z.infer<typeof vaultOptions>;

/** Why this cannot be the address of Vault, or `undefined`. */
export function addressProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'is not an https:// address';
  if (url.username !== '' || url.password !== '') return 'has a user or a password in it';
  if (url.search !== '' || url.hash !== '') return 'has more than a host, a port and a path';
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !isLocal) {
    return 'is not encrypted: the token would go over the network for everyone to read; use https://';
  }
  return undefined;
}

/** True for `a/b/c`: no empty parts, and none that leads elsewhere. */
export function isVaultPath(path: string): boolean {
  return path.split('/').every((part) => !['', '.', '..'].includes(part));
}

/** What options of a project are, for whoever confirms them. */
export const vaultOptionNames = {
  address: 'Vault server that gets your token',
  namespace: 'namespace of Vault',
  mount: 'mount of Vault',
  kv: 'version of the mount of Vault',
  token_file: 'file with the token for Vault',
  'approle.role_id': 'role in Vault',
  'approle.mount': 'mount of the role in Vault',
  'approle.secret_id_env': 'host variable',
  'approle.secret_id_file': 'file with the secret of the role',
  ca_file: 'certificate authority of Vault',
} as const;
