/** True when a path is this directory or below it. Both absolute and normalised; links are not followed. */
export function isWithin(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}
