/** True for an image that CloneBox itself gets from a distribution: `auto`, `debian:12`, `bootstrap:debian:12`. */
export function isBuiltInImage(reference: string): boolean {
  return reference === 'auto' || /^(bootstrap:)?(debian|ubuntu):[0-9.]+$/.test(reference);
}

/** True for an image named by its path; all else is a name or a URL. */
export function isImagePath(reference: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(reference)) return false;
  return reference.includes('/') || /^[.~]/.test(reference);
}
