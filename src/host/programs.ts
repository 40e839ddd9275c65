import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CloneboxError } from '../core/errors.ts';

const systemPlaces = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The Debian package of each program CloneBox may ask for. */
const packageOf: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-img': 'qemu-utils',
  mmdebstrap: 'mmdebstrap',
  passt: 'passt',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-add': 'openssh-client',
  flock: 'util-linux',
  mke2fs: 'e2fsprogs',
  gpgv: 'gpgv',
};

/** The absolute path of an executable on the PATH, in the system's `sbin`s, or at an extra place. */
export async function which(
  program: string,
  path: string | undefined,
  extraPlaces: readonly string[] = [],
): Promise<string | undefined> {
  const directories = [...(path ?? '').split(delimiter), ...systemPlaces].filter((part) =>
    part.startsWith('/'),
  );
  for (const candidate of [
    ...directories.map((directory) => join(directory, program)),
    ...extraPlaces,
  ]) {
    try {
      await fs.access(candidate, constants.X_OK);
      if ((await fs.stat(candidate)).isFile()) return candidate;
    } catch {
      // Not there, or not ours to run: the next place may do.
    }
  }
  return undefined;
}

/** The error for a program that is not installed, with the command that installs it. */
export function missingProgram(program: string): CloneboxError {
  return new CloneboxError('host-unable', `${program} is not installed on this machine`, {
    hint: `Install it (Debian, Ubuntu: sudo apt install ${packageOf[program] ?? program}), or see what else is missing: clonebox doctor`,
    facts: { program },
  });
}

/** Turns the error of a program that could not be started into one the user can act on. */
export function explainSpawn(error: NodeJS.ErrnoException, program: string): unknown {
  // A PATH with a directory of somebody else, as after `su`, makes a missing program a forbidden one.
  const missing = error.code === 'ENOENT' || (error.code === 'EACCES' && !program.includes('/'));
  return missing ? missingProgram(program) : error;
}
