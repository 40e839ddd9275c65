import { Decrypter } from 'age-encryption';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { createSecret } from '../core/secret.ts';
import type { SecretDeps } from '../core/secrets.ts';
import { readSecretText } from './secret-file.ts';

/**
 * What opens files of age with the identities of a text: lines of AGE-SECRET-KEY-…, empty ones and comments. Fails
 * with `config-invalid`, naming `place` and quoting nothing, when there is another line or no identity.
 */
export function ageDecrypter(text: string, place: string): Decrypter {
  const fail = (message: string, hint: string): never => {
    throw new CloneboxError('config-invalid', `${place} ${message}`, { hint, facts: { place } });
  };
  if (/^(age-encryption\.org\/|-----BEGIN AGE)/.test(text)) {
    fail('is itself encrypted', 'Name an identity without a passphrase.');
  }
  const decrypter = new Decrypter();
  let count = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const identity = line.trim();
    if (identity === '' || identity.startsWith('#')) continue;
    createSecret(identity);
    try {
      decrypter.addIdentity(identity);
      count += 1;
    } catch {
      // The library's own message may quote the key.
      fail(
        `has no age identity in line ${index + 1}`,
        'Lines are AGE-SECRET-KEY-1…, as age-keygen makes them. Plugins and SSH keys are not supported here.',
      );
    }
  }
  if (count === 0) fail('has no age identity', 'Make one with `age-keygen`.');
  return decrypter;
}

/** As `ageDecrypter`, of a file that nobody else may read; `undefined` when there is none. */
export async function readAgeIdentities(
  path: string,
  deps: SecretDeps,
): Promise<Decrypter | undefined> {
  const what = 'the age identity';
  const text = await readSecretText(path, deps, { what, isPrivate: true });
  return text === undefined ? undefined : ageDecrypter(text, `${what} ${path}`);
}

/** The user's directory of configuration files. */
export function configDirectory({ env, user }: Pick<Host, 'env' | 'user'>): string {
  const { XDG_CONFIG_HOME: own } = env;
  return own?.startsWith('/') ? own : `${user.home}/.config`;
}
