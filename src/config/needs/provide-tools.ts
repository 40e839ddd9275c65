import { minVersion, satisfies } from 'semver';
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

function provide(name: string, needed: readonly NeededTool[], facts: GuestFacts): Provided {
  // What others test with (a guess) is no reason to leave the distribution's own version.
  const asked = needed.filter(({ range, finding }) => range && finding.confidence !== 'guess');
  const best = asked[0] ?? needed[0];
  if (best === undefined) return nothing;
  const ranges = asked.map(({ range }) => range ?? '*');
  const { release } = facts;
  const choices = tools[name] ?? [];
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

/** One range for all of them, when there is a version that satisfies all. */
function together(ranges: readonly string[]): [string] | undefined {
  if (ranges.length < 2 || ranges.some((range) => range.includes('||'))) return undefined;
  const all = ranges.join(' ');
  const least = minVersion(all);
  return least !== null && satisfies(least, all) ? [all] : undefined;
}

function satisfiedTogether(version: string, range: string): boolean {
  return !/^\d+\.\d+\.\d+$/.test(version) || satisfies(version, range);
}

function unavailable(
  name: string,
  { finding }: NeededTool,
  { ranges, facts }: { ranges: readonly string[]; facts: GuestFacts },
): Provided {
  const wanted = ranges.length > 0 ? `${name} ${ranges.join(' and ')}` : name;
  const choices = tools[name] ?? [];
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
