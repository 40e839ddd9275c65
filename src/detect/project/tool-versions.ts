import * as z from 'zod';
import type { NeededTool } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { rangeOfJava, rangeOfPin } from './constraint.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { readToml, table } from './structured.ts';
import { askedTool, certain, linesOf } from './text.ts';

const asdf = '.tool-versions';
const mise = [
  ...['mise.toml', '.mise.toml', 'mise/config.toml', '.mise/config.toml'],
  ...['.config/mise.toml', '.config/mise/config.toml'],
];
const miseToml = z.looseObject({ tools: table });

/** The tools of asdf and mise that have another name here. */
const names = new Map([
  ['nodejs', 'node'],
  ['golang', 'go'],
  ['dotnet-core', 'dotnet'],
]);

/** The others that there are. */
const tools = new Set([
  ...['node', 'npm', 'pnpm', 'yarn', 'bun', 'deno', 'python', 'uv', 'poetry', 'pdm', 'hatch'],
  ...['pipenv', 'go', 'rust', 'java', 'maven', 'gradle', 'kotlin', 'ruby', 'bundler', 'php'],
  ...['composer', 'dotnet', 'elixir', 'erlang', 'cmake', 'meson', 'ninja', 'make'],
]);

interface Pin {
  readonly name: string;
  readonly version: string;
}

/** Versions of any language: .tool-versions of asdf, and the configuration of mise. */
export const toolVersions: ProjectReader = {
  name: 'tool-versions',
  wants: (path) => path === asdf || mise.includes(path),
  read(files) {
    const notes: string[] = [];
    const found = files.flatMap((file) => {
      const pins = file.path === asdf ? pinsOfAsdf(file) : pinsOfMise(file, notes);
      const unknown = pins.filter(({ name }) => !tools.has(name)).map(({ name }) => name);
      if (unknown.length > 0) notes.push(leftOut(file, unknown));
      return pins.filter(({ name }) => tools.has(name)).flatMap((pin) => toolOf(file, pin, notes));
    });
    return { tools: found, notes };
  },
};

/** Of several versions in a line the first is the one that runs. */
function pinsOfAsdf({ text }: ProjectFile): Pin[] {
  return linesOf(text).flatMap((line) => {
    const [name, version] = line.replace(/#.*/, '').trim().split(/\s+/, 2);
    return name && version ? [{ name: names.get(name) ?? name, version }] : [];
  });
}

function pinsOfMise({ path, text }: ProjectFile, notes: string[]): Pin[] {
  const content = readToml(text, miseToml);
  if (content === undefined) notes.push(`${path} is left out: it is not valid`);
  return Object.entries(content?.tools ?? {}).flatMap(([key, value]) => {
    const name = key.replace(/^(?:core|asdf):/, '');
    const version = versionOf(Array.isArray(value) ? value[0] : value);
    return version === undefined ? [] : [{ name: names.get(name) ?? name, version }];
  });
}

function versionOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('version' in value)) return undefined;
  return typeof value.version === 'string' ? value.version : undefined;
}

function toolOf({ path }: ProjectFile, { name, version }: Pin, notes: string[]): NeededTool[] {
  if (/^(?:latest|lts|stable|system|default)$/.test(version)) {
    return [{ name, range: undefined, finding: certain(path, `it asks for ${name}`) }];
  }
  const written = version.replace(/^(?:latest|prefix):/, '');
  const range = name === 'java' ? rangeOfJava(written) : rangeOfPin(written);
  return askedTool(path, { name, label: name, written, range }, notes);
}

function leftOut({ path }: ProjectFile, unknown: readonly string[]): string {
  const some = unknown.slice(0, 8).map((name) => printable(name, 30));
  return `${path} asks for what is not set up: ${some.join(', ')}`;
}
