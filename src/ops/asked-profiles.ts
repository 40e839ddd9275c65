import { didYouMean } from '../config/fields.ts';
import type { Config } from '../config/parse-config.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import { nearest } from '../lib/near.ts';
import { quoted } from '../lib/printable.ts';
import { profileNames } from './profiles.ts';
import type { Target } from './target.ts';

interface Asked {
  /** What the command line names. */
  readonly profiles: readonly string[];
  /** The configuration that is there; `undefined` where it is only to be drafted. */
  readonly file: Config | undefined;
}

/**
 * Sees to it that profiles of the command line get into a first draft, and that there are such. Fails with `usage`: a
 * file that is there says itself what it stands on.
 */
export async function checkAsked(
  ctx: Ctx,
  { directory, configFile }: Extract<Target, { kind: 'project' }>,
  { profiles, file }: Asked,
): Promise<void> {
  const missing = profiles.filter((name) => !file?.profiles?.includes(name));
  if (missing.length === 0) return;
  if (file !== undefined) {
    const all = [...(file.profiles ?? []), ...missing];
    throw new CloneboxError('usage', `${configFile} is there already, without ${list(missing)}`, {
      hint: `Put it into the file: profiles: [${all.join(', ')}]`,
      facts: { file: configFile, profiles: missing },
    });
  }
  const names = await profileNames(ctx, directory);
  const unknown = missing.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, names);
  throw new CloneboxError('usage', `there is no profile ${quoted(unknown)}`, {
    hint: near ? didYouMean(near) : 'See what there is: clonebox profile list',
    facts: { profile: unknown, names },
  });
}

function list(names: readonly string[]): string {
  return `the profile${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}
