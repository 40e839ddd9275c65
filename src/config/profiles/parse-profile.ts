import type * as z from 'zod';
import { crossCheck } from '../cross-check.ts';
import { readVersionless } from '../document.ts';
import { didYouMean } from '../fields.ts';
import { type Origin, originOf, type ProfileSource } from '../origin.ts';
import type { Path, Problem } from '../problem.ts';
import { isTextAt } from '../schema-tree.ts';
import { validate } from '../validate.ts';
import { profileSchema } from './profile-schema.ts';

/** A validated profile: what its text says, without what it extends. */
export interface Profile {
  readonly source: ProfileSource;
  readonly value: z.output<typeof profileSchema>;
  readonly origin: Origin;
}

/** Keys of one project alone, and what to do instead. */
const ownKeys: Readonly<Record<string, string>> = {
  version: 'take it out',
  profiles: didYouMean('extends'),
  paths: didYouMean('shares'),
  'vm.name': 'a name is for one VM: put it into .clonebox.yaml',
};

/** Reads and validates the text of a profile; either there are problems, or it is one. */
export function parseProfile(
  text: string,
  source: ProfileSource,
): { readonly problems: readonly Problem[]; readonly profile?: Profile } {
  const { file } = source;
  const isText = (path: Path) => isTextAt(profileSchema, path);
  const { problems, valid } = validate(readVersionless(text, isText), {
    ...{ file, schema: profileSchema, check: crossCheck },
  });
  if (!valid) return { problems: problems.map(explained) };
  const origin = originOf(valid.data, { file, profile: source });
  return { problems, profile: { source, value: valid.value, origin } };
}

function explained(problem: Problem): Problem {
  const hint = Object.hasOwn(ownKeys, problem.path) ? ownKeys[problem.path] : undefined;
  return hint === undefined ? problem : { ...problem, message: 'has no place in a profile', hint };
}
