import { minVersion, satisfies, subset } from 'semver';
import type { NeededTool } from '../../core/needs.ts';
import { installerWord } from './installers.ts';
import type { GuestFacts, GuestPackage, Provided } from './provided.ts';
import { type Release, releases } from './release.ts';
import { type ToolChoice, tools } from './tools.ts';

/** Every tool once, by the distribution's packages if their version will do, else by its makers' installer, else told. */
export function provideTools(needed: readonly NeededTool[], facts: GuestFacts): Provided[] {
  const names = [...new Set(needed.map(({ name }) => name))];
  return names.map((name) =>
    provide(
      name,
      needed.filter((tool) => tool.name === name),
      facts,
    ),
  );
}

/** A project names what it likes, `constructor` too. */
function choicesOf(name: string) {
  return (Object.hasOwn(tools, name) ? tools[name] : undefined) ?? [];
}

function provide(name: string, needed: readonly NeededTool[], facts: GuestFacts): Provided {
  const asked = askedFor(needed);
  const { release } = facts;
  const choices = choicesOf(name);
  const own = release ? choices.map(({ versions }) => versions[release]) : [];
  const ranges = agreed(asked, own);
  const best = asked.find(({ range }) => range === ranges[0]) ?? asked[0] ?? needed[0];
  if (best === undefined) return nothing;
  const choice = choices.find((one) => release && fits(one.versions[release], ranges));
  if (choice !== undefined && release !== undefined) {
    return { ...nothing, packages: packagesOf(name, best, { choice, release }) };
  }
  if (release === undefined && choices[0] !== undefined) {
    const packages = packagesOf(name, best, { choice: choices[0], release: 'debian:12' });
    const note = `${name}: nobody knows which version this image has of it`;
    return { ...nothing, packages, notes: ranges.length > 0 ? [note] : [] };
  }
  return byInstaller(name, best, { ranges, facts }) ?? unavailable(name, best, { ranges, facts });
}

/** What others test with (a guess) is no reason to leave the distribution's own version, unless nobody else asks for it. */
function askedFor(needed: readonly NeededTool[]): NeededTool[] {
  const ofProject = needed.filter(({ finding }) => finding.confidence !== 'guess');
  const some = ofProject.length > 0 ? ofProject : needed;
  return some.filter(({ range }) => range !== undefined);
}

/**
 * The ranges to satisfy: what the project's own files say, and of what its images have as much as goes with that. Of images
 * that contradict each other the one goes first that a version at hand (`own`) will do for.
 */
function agreed(asked: readonly NeededTool[], own: readonly (string | undefined)[]): string[] {
  const rangesOf = (isCertain: boolean) =>
    asked
      .filter(({ finding }) => (finding.confidence === 'certain') === isCertain)
      .map(({ range }) => range ?? '*');
  const certain = rangesOf(true);
  const isAtHand = (range: string) =>
    own.some((version) => version && [...certain, range].every((one) => satisfies(version, one)));
  const wishes = rangesOf(false).toSorted(
    (one, other) => Number(isAtHand(other)) - Number(isAtHand(one)),
  );
  const ranges = certain;
  for (const wish of wishes) if (goTogether([...ranges, wish])) ranges.push(wish);
  return [...new Set(ranges)];
}

/** Whether some version satisfies all: the first of one of them does, if any. */
function goTogether(ranges: readonly string[]): boolean {
  return ranges
    .flatMap((range) => range.split('||'))
    .some((way) => {
      const least = minVersion(way);
      return least !== null && ranges.every((range) => satisfies(least, range));
    });
}

const nothing: Provided = { packages: [], services: [], steps: [], notes: [] };

function fits(version: string | undefined, ranges: readonly string[]): boolean {
  return version !== undefined && ranges.every((range) => satisfies(version, range));
}

function packagesOf(
  need: string,
  { finding }: NeededTool,
  { choice, release }: { choice: ToolChoice; release: Release },
): GuestPackage[] {
  const version = choice.versions[release];
  return choice.packages.map((name) => ({ name, need, version, finding }));
}

function byInstaller(
  name: string,
  { finding }: NeededTool,
  { ranges, facts }: { ranges: readonly string[]; facts: GuestFacts },
): Provided | undefined {
  // Else the first one asked for is the project's own word; the others are told when they disagree.
  const [range, ...others] = together(ranges) ?? ranges;
  const word = installerWord(name, range, facts.workstation.get(name));
  if (word === undefined) return undefined;
  const version = word.split('@')[1] ?? '';
  return {
    ...nothing,
    steps: [{ run: `clonebox-install ${word}`, finding }],
    notes: others
      .filter((other) => !satisfiedTogether(version, other))
      .map((other) => `${name}: ${version} is installed, and ${other} is asked for too`),
  };
}

const mostWays = 64;

/** One range for all of them, when there is a version that satisfies all. */
function together(ranges: readonly string[]): [string] | undefined {
  if (ranges.length < 2) return undefined;
  let ways = [''];
  for (const range of ranges) {
    ways = ways.flatMap((way) => range.split('||').map((other) => `${way} ${other}`.trim()));
    if (ways.length > mostWays) return undefined;
  }
  const possible = ways.filter((way) => {
    const least = minVersion(way);
    return least !== null && satisfies(least, way);
  });
  return possible.length > 0 ? [possible.join(' || ')] : undefined;
}

function satisfiedTogether(version: string, range: string): boolean {
  return !/^\d+\.\d+\.\d+$/.test(version) || satisfies(version, range);
}

function unavailable(
  name: string,
  { finding }: NeededTool,
  { ranges, facts }: { ranges: readonly string[]; facts: GuestFacts },
): Provided {
  const narrow = ranges.filter(
    (range) => !ranges.some((other) => other !== range && subset(other, range)),
  );
  const wanted = narrow.length > 0 ? `${name} ${narrow.join(' and ')}` : name;
  const choices = choicesOf(name);
  const others = releases.filter((release) =>
    choices.some((choice) => fits(choice.versions[release], ranges)),
  );
  const where = others.length > 0 ? `; it is in ${others.join(', ')}` : '';
  const note = `${wanted} (${finding.source}) is not in ${facts.release ?? 'the image'}${where}`;
  // Something of that name is more use than nothing.
  const choice = choices.find((one) => facts.release && one.versions[facts.release]);
  const packages =
    choice && facts.release
      ? packagesOf(name, { name, range: undefined, finding }, { choice, release: facts.release })
      : [];
  return { ...nothing, packages, notes: [note] };
}
