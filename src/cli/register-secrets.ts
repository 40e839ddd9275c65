import type { Files } from '../core/host.ts';
import { forgetSecret, isSecretName, registerSecret } from '../lib/redact.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Shorter values are words that are in too many other texts. */
const shortest = 8;

/**
 * Registers what this process was given and nobody else may read: values of variables that say so by their name, in the
 * environment and on the command line, and passwords in URLs.
 */
export function registerSecrets(env: Env, argv: readonly string[]): void {
  for (const [name, value = ''] of Object.entries(env)) {
    if (isSecretName(name)) registerValue(value);
    registerPasswords(value, /_proxy$/i.test(name));
  }
  for (const word of argv) {
    const [, name, value = ''] = /^(?:--?[\w-]+=)?(\w+)=(.+)$/s.exec(word) ?? [];
    if (name !== undefined && isSecretName(name)) registerValue(value);
    registerPasswords(word, false);
  }
}

/**
 * Takes back what is no secret but the path of a file with one. Before there are files to look at, it is taken for a
 * secret: a token may begin with a slash.
 */
export async function forgetPaths(env: Env, files: Pick<Files, 'facts'>): Promise<void> {
  for (const [name, value = ''] of Object.entries(env)) {
    if (!isSecretName(name) || !/^(~?|\.{1,2})\//.test(value)) continue;
    const path = value.replace(/^~/, env.HOME ?? '');
    if ((await files.facts(path).catch(() => undefined)) !== undefined) forgetSecret(value);
  }
}

function registerValue(value: string): void {
  const text = value.trim();
  if (text.length < shortest || /^(true|false|[\d.,:]+)$/i.test(text)) return;
  registerSecret(value);
  registerSecret(text);
}

/** `withoutScheme`: a proxy may be written `user:password@host:3128`. */
function registerPasswords(text: string, withoutScheme: boolean): void {
  if (!text.includes('@')) return;
  const scheme = withoutScheme ? '(?:[a-z][a-z0-9+.-]*://)?' : '[a-z][a-z0-9+.-]*://';
  for (const [, password = ''] of text.matchAll(
    new RegExp(`\\b${scheme}[^\\s/?#@:]*:([^\\s/?#]+)@`, 'gi'),
  )) {
    registerSecret(password);
    registerSecret(decoded(password));
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
