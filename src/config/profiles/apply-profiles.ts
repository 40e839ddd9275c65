import { nearest } from '../../lib/near.ts';
import { quoted } from '../../lib/printable.ts';
import { crossCheck } from '../cross-check.ts';
import { didYouMean } from '../fields.ts';
import { nowhere } from '../origin.ts';
import type { Config } from '../parse-config.ts';
import { formatPath, type Path, type Problem } from '../problem.ts';
import { comparableName, type Layer, mergeLayers, namesIn, placeOf, removalsOf } from './merge.ts';
import type { Profile } from './parse-profile.ts';

/** The profiles of a file as one layer below it; they are in the order in which they are merged. */
export function layerOf(profiles: readonly Profile[]): Layer {
  return profiles
    .map(({ value: { description: _, extends: __, ...value }, origin }): Layer => {
      return { value, source: { origin, path: [] } };
    })
    .reduce(mergeLayers, { value: {}, source: { origin: nowhere(), path: [] } });
}

/**
 * A configuration with its profiles below it. What is wrong with them together are problems: entries that cannot both
 * be, and a `remove` of the file that takes nothing out.
 */
export function applyProfiles(
  config: Config,
  profiles: readonly Profile[],
): { readonly config: Config; readonly problems: readonly Problem[] } {
  const { origin = nowhere(), ...value } = config;
  if (profiles.length === 0 && value.remove === undefined) return { config, problems: [] };
  const file: Layer = { value, source: { origin, path: [] } };
  const below = withProject(layerOf(profiles), config);
  const merged = mergeLayers(below, file);
  const at = (path: Path) => placeOf(merged.source, path);
  // Each layer has passed the schema, and merging leaves every value as one of them said it.
  const { remove: _, ...whole } = merged.value as Config;
  const problems = [
    ...needless(below, file),
    ...crossCheck(whole).map(({ path, message }) => {
      const { file: name, line, column, path: own } = at(path);
      return { file: name, line, column, path: formatPath(own), message };
    }),
  ];
  return { config: { ...whole, origin: { ...origin, at } }, problems };
}

/** A file without shares shares its project, and goes on to when a profile shares more. */
function withProject(below: Layer, { shares }: Config): Layer {
  if (shares !== undefined || namesIn(below, 'shares').size === 0) return below;
  const project = { value: { shares: [{ host: '.' }] }, source: { origin: nowhere(), path: [] } };
  return mergeLayers(project, below);
}

/** To look for near words is quadratic. */
const mostCandidates = 200;

function needless(below: Layer, file: Layer): Problem[] {
  return Object.entries(removalsOf(file)).flatMap(([key, names]) => {
    const there = namesIn(below, key);
    const candidates = [...there.values()].slice(0, mostCandidates);
    return names.flatMap((name, index): Problem[] => {
      if (there.has(comparableName(key, name))) return [];
      const { file: from, line, column, path } = placeOf(file.source, ['remove', key, index]);
      const near = index < mostCandidates ? nearest(name, candidates) : undefined;
      const message = `is ${quoted(name)}, which none of the profiles has`;
      const hint = near ? { hint: didYouMean(near) } : {};
      return [{ file: from, line, column, path: formatPath(path), message, ...hint }];
    });
  });
}
