/** A path of the system below the root that is looked at. */
export function below(root: string, path: string): string {
  return root === '/' ? path : `${root}${path}`;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A path as it is where `/bin`, `/sbin` and `/lib` have moved below `/usr`: one file has one name. */
export function inUsr(path: string): string {
  return /^\/(s?bin|lib(32|64|x32)?)\//.test(path) ? `/usr${path}` : path;
}
