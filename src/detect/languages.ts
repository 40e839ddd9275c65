import type { DetectInput, Detector, FoundLanguage } from '../core/detect.ts';
import { isWithin } from '../lib/is-within.ts';
import { mapBounded } from '../lib/map-bounded.ts';
import { printable } from '../lib/printable.ts';
import { askVersion, canBeAsked } from './language/ask-version.ts';
import { readConda } from './language/conda.ts';
import { readAsdf, readMise } from './language/many-languages.ts';
import { readNodePackages } from './language/node-packages.ts';
import { readRustup } from './language/rustup.ts';
import { type SearchPlace, searchPlaces } from './language/shell-path.ts';
import { readDebian, readJvms, readLocalGo } from './language/system.ts';
import { byVersion, type Managed, programsOf, type Toolchain } from './language/toolchain.ts';
import { readVersionDirectory, versionDirectories } from './language/version-directories.ts';
import { createLook, type Look } from './look.ts';
import { inUsr } from './paths.ts';

const atOnce = 4;
const mostAsked = 16;

/** Languages and their tools: of the system's packages, of version managers, and what else is on the PATH. */
export const languages: Detector<'languages'> = {
  area: 'languages',
  summary: 'languages and their versions, and which one a new shell runs',
  async detect(input) {
    const look = createLook(input);
    const [managers, system] = await Promise.all([
      readManagers(input, look),
      readSystem(input, look),
    ]);
    const places = await searchPlaces(input, look, managers);
    const programs = await programsOn(look, places);
    const managed = managers.flatMap((one) => one.toolchains);
    const known = await withRealPaths(look, [...managed, ...system]);
    const strangers = await askStrangers(input, programs, known);
    const all = [...known, ...strangers];
    const current = new Set(Object.keys(programsOf).map((name) => currentOf(name, programs, all)));
    const found = all.map(({ toolchain }) => itemOf(toolchain, current.has(toolchain.path)));
    const node = found.find((one) => one.name === 'node' && one.current);
    return [...found, ...(await readNodePackages(look, node))].toSorted(inOrder);
  },
};

async function readManagers(input: DetectInput, look: Look): Promise<Managed[]> {
  const parts = await Promise.all([
    ...versionDirectories.map((kind) => readVersionDirectory(input, look, kind)),
    ...[readAsdf, readMise, readRustup, readConda].map((read) => read(input, look)),
  ]);
  return joined(parts.flat());
}

/** A manager of several languages comes once for each. */
function joined(managers: readonly Managed[]): Managed[] {
  const byDirectory = new Map<string, Managed>();
  for (const one of managers) {
    const before = byDirectory.get(one.directory);
    byDirectory.set(one.directory, {
      ...one,
      toolchains: [...(before?.toolchains ?? []), ...one.toolchains],
      chosen: new Map([...(before?.chosen ?? []), ...one.chosen]),
    });
  }
  return [...byDirectory.values()];
}

async function readSystem(input: DetectInput, look: Look): Promise<Toolchain[]> {
  const parts = [readDebian(input), readJvms(input, look), readLocalGo(look)];
  return (await Promise.all(parts)).flat();
}

interface Known {
  readonly toolchain: Toolchain;
  /** Its program with links resolved. */
  readonly real: string;
}

function withRealPaths(look: Look, toolchains: readonly Toolchain[]): Promise<Known[]> {
  return Promise.all(
    toolchains.map(async (toolchain) => ({
      toolchain,
      real: inUsr((await look.real(toolchain.path)) ?? toolchain.path),
    })),
  );
}

/** A program of a language, at one of the places where a shell looks. */
interface Program {
  readonly name: string;
  readonly path: string;
  readonly real: string;
  readonly place: SearchPlace;
}

/** In the order in which a shell would find them; of a manager also what it would give without a file at the place. */
async function programsOn(look: Look, places: readonly SearchPlace[]): Promise<Program[]> {
  const parts = await Promise.all(
    places.map(async (place) => {
      const found = Object.keys(programsOf).map(async (name): Promise<Program[]> => {
        const own = await programAt(look, name, place);
        if (own !== undefined) return [own];
        const gives = place.kind === 'manager' && place.managed.chosen.has(name);
        return gives ? [{ name, path: '', real: '', place }] : [];
      });
      return (await Promise.all(found)).flat();
    }),
  );
  return parts.flat();
}

async function programAt(
  look: Look,
  name: string,
  place: SearchPlace,
): Promise<Program | undefined> {
  if (place.path === undefined) return undefined;
  for (const word of programsOf[name] ?? []) {
    const path = `${place.path}/${word}`;
    const facts = await look.facts(path);
    if (facts?.kind !== 'file' || (facts.mode & 0o111) === 0) continue;
    return { name, path, real: inUsr((await look.real(path)) ?? path), place };
  }
  return undefined;
}

function knownAs({ name, real }: Program, known: readonly Known[]): Known | undefined {
  const own = known.filter(({ toolchain }) => toolchain.name === name);
  return (
    own.find((one) => one.real === real) ??
    own.find(({ toolchain }) => real.startsWith(`${toolchain.prefix}/`))
  );
}

/** What is on the PATH and of no manager: it is asked for its version. Nothing that a project has brought is run. */
async function askStrangers(
  input: DetectInput,
  programs: readonly Program[],
  known: readonly Known[],
): Promise<Known[]> {
  const { project } = input.scope;
  const strangers = new Map<string, Program>();
  for (const program of programs) {
    if (program.place.kind === 'manager' || !canBeAsked(program.name)) continue;
    if (project !== undefined && isWithin(project, program.real)) continue;
    if (knownAs(program, known) !== undefined) continue;
    const key = `${program.name} ${program.real}`;
    if (!strangers.has(key)) strangers.set(key, program);
  }
  const asked = [...strangers.values()].slice(0, mostAsked);
  const answers = await mapBounded(asked, atOnce, async ({ name, path, real }) => {
    const version = await askVersion(input, name, path);
    if (version === undefined) {
      input.note(`${printable(path)} does not say its version`);
      return [];
    }
    const manager = path.startsWith('/usr/bin/') || path.startsWith('/bin/') ? 'system' : 'by hand';
    const reason = 'it says so itself';
    const finding = { source: path, confidence: 'certain', reason } as const;
    return [{ toolchain: { name, version, path, prefix: path, manager, finding }, real }];
  });
  return answers.flat();
}

/** The path of the toolchain that a new shell runs: what the first place has that has any. */
function currentOf(
  name: string,
  programs: readonly Program[],
  known: readonly Known[],
): string | undefined {
  for (const program of programs.filter((one) => one.name === name)) {
    const { place } = program;
    const chosen = place.kind === 'manager' ? place.managed.chosen.get(name) : undefined;
    const found = chosen ?? knownAs(program, known)?.toolchain.path;
    if (found !== undefined) return found;
    // A manager that has chosen nothing leaves it to what comes next.
    if (place.kind === 'directory') return undefined;
  }
  return undefined;
}

function itemOf(toolchain: Toolchain, current: boolean): FoundLanguage {
  const { name, version, path, manager, finding } = toolchain;
  return { name, version, path, manager, current, finding };
}

const order = Object.keys(programsOf);

function inOrder(one: FoundLanguage, other: FoundLanguage): number {
  return (
    order.indexOf(one.name) - order.indexOf(other.name) ||
    Number(other.current) - Number(one.current) ||
    byVersion(one.version, other.version) ||
    one.path.localeCompare(other.path)
  );
}
