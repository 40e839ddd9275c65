import { isPrivateKey, isPublicKey } from './public-key.ts';

/** Where a public key comes from, by how it is written in `vm.auth.ssh_keys`. */
export type KeySource =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'github'; readonly user: string }
  | { readonly kind: 'agent' };

/** Understands an entry of `vm.auth.ssh_keys`. Fails with a `RangeError`, which does not repeat what may be a key. */
export function parseKeySource(written: string): KeySource {
  const text = written.trim();
  if (isPublicKey(text)) return { kind: 'line', line: text };
  if (isPrivateKey(text)) throw new RangeError('is a private key, and CloneBox takes none');
  if (text === 'agent') return { kind: 'agent' };
  const [, user] = /^github:(.*)$/s.exec(text) ?? [];
  if (user !== undefined) {
    // What GitHub itself allows.
    if (/^[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}$/.test(user)) return { kind: 'github', user };
    throw new RangeError('is not github:USER');
  }
  if (/^(\/|\.{1,2}\/|~)[^\p{Cc}]*$/u.test(text)) return { kind: 'file', path: text };
  throw new RangeError(
    'is not a public key: the line of a .pub file, the path of one, github:USER or agent',
  );
}
