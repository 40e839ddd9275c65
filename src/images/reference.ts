import { CloneboxError } from '../core/errors.ts';

/** What the user may write where an image is wanted (docs/images.md). */
export type Reference =
  | { readonly kind: 'auto' }
  | { readonly kind: 'bootstrap'; readonly release: string }
  | { readonly kind: 'catalogue'; readonly name: string }
  | { readonly kind: 'url'; readonly url: string; readonly sha256: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'name'; readonly name: string };

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** True for https, and for this very machine. */
export function isSafeTransport(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname));
}

function parseUrl(text: string): Reference {
  const [address = '', digest] = text.split(/#(.*)/s);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') {
    throw new CloneboxError('usage', `not a URL of an image: ${text}`);
  }
  if (!isSafeTransport(address)) {
    throw new CloneboxError('refused', `an image is only fetched over https: ${text}`);
  }
  const sha256 = /^sha256:([0-9a-f]{64})$/i.exec(digest ?? '')?.[1];
  if (sha256 === undefined) {
    throw new CloneboxError('refused', `a URL needs the digest of its file: ${text}`, {
      hint: `Append it: ${address}#sha256:HEX (64 hexadecimal digits, as sha256sum prints them)`,
    });
  }
  return { kind: 'url', url: url.href, sha256: sha256.toLowerCase() };
}

/**
 * Reads a reference. A text with `/` or a leading `.` or `~` is a path; all else is a name. Fails with `usage`
 * when it is no reference at all, with `refused` for a URL that is unencrypted or has no digest.
 */
export function parseReference(text: string): Reference {
  if (text === 'auto') return { kind: 'auto' };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseUrl(text);
  if (text.includes('/') || /^[.~]/.test(text)) return { kind: 'file', path: text };
  const release = /^bootstrap:debian:(\d+)$/.exec(text)?.[1];
  if (release !== undefined) return { kind: 'bootstrap', release };
  if (/^(debian|ubuntu):[0-9.]+$/.test(text)) return { kind: 'catalogue', name: text };
  if (isImportName(text)) return { kind: 'name', name: text };
  throw new CloneboxError('usage', `not an image: ${text === '' ? '(empty)' : text}`, {
    hint: 'An image is auto, debian:12, bootstrap:debian:12, a path, a URL with #sha256:HEX, or a name given at import.',
  });
}

/** True for what an imported image may be called: one word, not the form of another kind of reference. */
export function isImportName(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}(:[a-z0-9._-]{1,63})?$/.test(text) && !isReserved(text);
}

function isReserved(text: string): boolean {
  return text === 'auto' || /^(bootstrap|debian|ubuntu|sha256|https?):/.test(text);
}
