import * as z from 'zod';
import type { NeededTool } from '../../core/needs.ts';
import { printable, quoted } from '../../lib/printable.ts';
import { rangeFrom, rangeOfPin } from './constraint.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { linkedByLock, linkedByManifest, rustLibraries } from './rust-libraries.ts';
import { readToml, shape, table, text } from './structured.ts';
import {
  askedTool,
  certain,
  distinctTools,
  isAside,
  likely,
  linesOf,
  nameOfFile,
  packagesFor,
} from './text.ts';

// Both may also be `{ workspace = true }`, which says nothing here.
const packageTable = shape({ 'rust-version': text, edition: text });
const dependencies = {
  dependencies: table,
  'build-dependencies': table,
  'dev-dependencies': table,
};
const cargoToml = z.looseObject({
  package: packageTable,
  workspace: shape({ package: packageTable, dependencies: table }),
  ...dependencies,
  target: z.record(z.string(), shape(dependencies)).optional().catch(undefined),
});

interface Manifest {
  readonly path: string;
  readonly content: z.output<typeof cargoToml>;
}

const toolchainToml = z.looseObject({ toolchain: shape({ channel: text }) });
const toolchainFiles = ['rust-toolchain', 'rust-toolchain.toml'];

/** The first releases that know an edition. */
const editions = new Map([
  ['2018', '>=1.31.0'],
  ['2021', '>=1.56.0'],
  ['2024', '>=1.85.0'],
]);

/** Rust: Cargo.toml of a crate or a workspace, Cargo.lock, and the toolchain that is pinned for rustup. */
export const rust: ProjectReader = {
  name: 'rust',
  wants: (path) =>
    toolchainFiles.includes(path) ||
    path === 'Cargo.lock' ||
    (nameOfFile(path) === 'Cargo.toml' && !isAside(path)),
  read(files) {
    const notes: string[] = [];
    const pins = files.filter(({ path }) => toolchainFiles.includes(path));
    const manifests = files.flatMap(({ path, text: source }): Manifest[] => {
      if (nameOfFile(path) !== 'Cargo.toml') return [];
      const content = readToml(source, cargoToml);
      if (content === undefined) notes.push(`${printable(path)} is left out: it is not valid`);
      return content === undefined ? [] : [{ path, content }];
    });
    const first = manifests[0] ?? pins[0];
    if (first === undefined) return { notes };
    const lock = files.find(({ path }) => path === 'Cargo.lock');
    const linked = lock ? linkedByLock(lock) : manifests.flatMap(linkedBy);
    const any: NeededTool = {
      ...{ name: 'rust', range: undefined, finding: likely(first.path, 'a Rust project') },
    };
    const linker = {
      name: 'build-essential',
      finding: likely(first.path, 'Rust programs are linked by the C compiler'),
    };
    return {
      ecosystems: ['Rust'],
      tools: distinctTools([
        ...pins.flatMap((pin) => pinned(pin, notes)),
        ...manifests.flatMap((manifest) => asked(manifest, notes)),
        ...newestEdition(manifests),
        any,
      ]),
      packages: [linker, ...packagesFor(rustLibraries, linked)],
      notes,
    };
  },
};

function pinned({ path, text: source }: ProjectFile, notes: string[]): NeededTool[] {
  const channel =
    readToml(source, toolchainToml)?.toolchain?.channel ??
    linesOf(source)
      .map((line) => line.trim())
      .find((line) => /^[\w.-]{1,60}$/.test(line));
  if (channel === undefined) return [];
  const name = /^(stable|beta|nightly)(?:-|$)/.exec(channel)?.[1];
  if (name === undefined) {
    return askedTool(
      path,
      { name: 'rust', label: 'Rust', written: channel, range: rangeOfPin(channel) },
      notes,
    );
  }
  if (name !== 'stable') {
    notes.push(`${path} asks for ${quoted(channel, 40)} of Rust, which only rustup installs`);
  }
  return [{ name: 'rust', range: undefined, finding: certain(path, `its toolchain is ${name}`) }];
}

function asked({ path, content }: Manifest, notes: string[]): NeededTool[] {
  const written = content.package?.['rust-version'] ?? content.workspace?.package?.['rust-version'];
  if (written === undefined) return [];
  const range = rangeFrom(written);
  return askedTool(path, { name: 'rust', label: 'Rust', written: `>=${written}`, range }, notes);
}

function newestEdition(manifests: readonly Manifest[]): NeededTool[] {
  const used = manifests.flatMap(({ path, content }) => {
    const edition = content.package?.edition ?? content.workspace?.package?.edition ?? '';
    const range = editions.get(edition);
    return range === undefined ? [] : [{ path, edition, range }];
  });
  const newest = used.toSorted((one, other) => other.edition.localeCompare(one.edition))[0];
  if (newest === undefined) return [];
  const finding = certain(newest.path, `edition ${newest.edition} needs it`);
  return [{ name: 'rust', range: newest.range, finding }];
}

function linkedBy({ path, content }: Manifest) {
  const targets = Object.values(content.target ?? {});
  const tables = [content, ...targets].flatMap((part) => [
    part?.dependencies,
    part?.['build-dependencies'],
    part?.['dev-dependencies'],
  ]);
  return linkedByManifest(path, [...tables, content.workspace?.dependencies]);
}
