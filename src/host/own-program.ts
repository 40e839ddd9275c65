import path from 'node:path';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';

/**
 * Where a file of the bundle is (scripts/build.mjs): beside the program, or beside the directory of its chunks. Fails
 * with `host-unable` where there is no bundle.
 */
export async function findOwnProgram(host: Host, name: string): Promise<string> {
  const here = import.meta.dirname;
  for (const directory of [here, path.dirname(here)]) {
    const program = path.join(directory, name);
    if ((await host.files.facts(program)) !== undefined) return program;
  }
  throw new CloneboxError('host-unable', `${name} is not there`, {
    hint: 'Install CloneBox again, or build it: npm run build',
    facts: { directory: here },
  });
}
