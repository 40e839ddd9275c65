import { dirname, resolve } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';

/**
 * The file that `-o` names, links resolved; what is in it may be replaced. Fails with `usage` where there is something else
 * than a file, and with `not-found` where there is no directory for it.
 */
export async function outputFile(
  ctx: Ctx,
  { file, cwd }: { file: string; cwd: string },
): Promise<string> {
  const { files } = ctx.host;
  const wanted = resolve(cwd, file);
  const found = (await files.realPath(wanted)) ?? wanted;
  const there = await files.facts(found);
  if (there !== undefined && there.kind !== 'file') {
    throw new CloneboxError('usage', `${found} is no file`, {
      hint: 'Name a file, or leave -o out: the export goes to standard output then.',
      facts: { path: found, kind: there.kind },
    });
  }
  if ((await files.facts(dirname(found))) === undefined) {
    throw new CloneboxError('not-found', `there is no directory ${dirname(found)}`, {
      hint: 'Make it first, or name another file.',
      facts: { path: found },
    });
  }
  return found;
}
