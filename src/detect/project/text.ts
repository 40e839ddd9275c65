import type { Finding } from '../../core/plan.ts';

/** The last part of a path: `package.json` of `api/package.json`. */
export function nameOfFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** True of a file right in the project's directory. */
export function isAtTop(path: string): boolean {
  return !path.includes('/');
}

/** A file says so itself. */
export function certain(source: string, reason: string): Finding {
  return { source, confidence: 'certain', reason };
}

/** It follows from what a file is for. */
export function likely(source: string, reason: string): Finding {
  return { source, confidence: 'likely', reason };
}

/** It is common where such a file is. */
export function guess(source: string, reason: string): Finding {
  return { source, confidence: 'guess', reason };
}
