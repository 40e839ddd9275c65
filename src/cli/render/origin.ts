import type { ValueOrigin } from '../../config/values.ts';

/** Where a value comes from, in a few words; files below `directory` without it. */
export function originText(origin: ValueOrigin, directory?: string): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'workstation':
      return 'this workstation';
    case 'command-line':
      return 'command line';
    case 'file':
      return placeText(origin, directory);
    case 'draft':
      return `${placeText(origin, directory)} (not written yet)`;
    case 'version-1':
      return `${placeText(origin, directory)} (version 1: ${origin.key})`;
    case 'profile': {
      const where = origin.from === 'bundled' ? 'bundled' : placeText(origin, directory);
      return `profile ${origin.profile} (${where})`;
    }
  }
}

function placeText(
  { file, line, column }: { file: string; line: number; column: number },
  directory: string | undefined,
): string {
  const isBelow = directory !== undefined && file.startsWith(`${directory}/`);
  return `${isBelow ? file.slice(directory.length + 1) : file}:${line}:${column}`;
}
