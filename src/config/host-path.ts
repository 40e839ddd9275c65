import { posix } from 'node:path';

interface Bases {
  readonly project: string | undefined;
  readonly home: string;
}

/** The absolute host path that a user wrote: `~` is the home directory, and the rest starts at the project. `undefined` once reported. */
export function hostPath(
  written: string,
  { project, home }: Bases,
  report: (message: string) => void,
): string | undefined {
  if (written === '~' || written.startsWith('~/')) return posix.join(home, written.slice(1), '.');
  if (written.startsWith('~')) {
    report("starts with another user's ~: write the whole path");
    return undefined;
  }
  if (posix.isAbsolute(written)) return posix.resolve(written);
  if (project === undefined) {
    report('is relative, and there is no project directory to start from');
    return undefined;
  }
  return posix.resolve(project, written);
}
