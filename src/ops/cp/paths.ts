/** Whether a path names what is in a directory, and not the directory: `.`, or with `/.` at its end. */
export function isContentsOf(path: string): boolean {
  return /(^|\/)\.\/*$/.test(path);
}

/** The last name of a path; `undefined` for one that ends in none. */
export function lastName(path: string): string | undefined {
  const name = path.replace(/\/+$/, '').split('/').at(-1);
  return name === undefined || ['', '.', '..', '~'].includes(name) ? undefined : name;
}
