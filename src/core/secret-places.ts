import { posix } from 'node:path';
import { isWithin } from '../lib/is-within.ts';

/** Credentials wherever they are, below anybody's home. */
const secretNames = new Set([
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.netrc', '.pgpass', '.git-credentials'],
  ...['.password-store', 'keyrings', 'kwalletd'],
]);

/** Credentials in a home directory, also under names that are ordinary elsewhere, and this program's own keys. */
export const secretPlaces: readonly string[] = [
  ...[...secretNames].filter((name) => name.startsWith('.')),
  ...['.config/gcloud', '.config/gh', '.docker/config.json', '.npmrc', '.pypirc'],
  // Its own settings too: a guest that wrote in them would choose a program that runs on this side.
  ...['.config/clonebox', '.config/sops', '.config/age'],
  ...['.local/share/keyrings', '.local/share/kwalletd', '.local/share/clonebox'],
  ...['.mozilla', '.config/google-chrome', '.config/chromium', '.config/microsoft-edge'],
  ...['.config/BraveSoftware', '.config/opera'],
];

/**
 * Why a path has to do with credentials, or `undefined` when it has not: it is, is in, or holds a place of them below one
 * of these homes. Takes absolute, normalised paths; links are not followed. The reason completes "PATH …".
 */
export function credentialsAt(path: string, homes: readonly string[]): string | undefined {
  const named = path.split('/').find((part) => secretNames.has(part));
  if (named) return `is a place of credentials (${named})`;
  for (const home of homes) {
    for (const place of secretPlaces) {
      const secret = posix.join(home, place);
      if (isWithin(secret, path)) return `is a place of credentials (${secret})`;
      if (isWithin(path, secret)) return `may hold credentials (${secret})`;
    }
  }
  return undefined;
}
