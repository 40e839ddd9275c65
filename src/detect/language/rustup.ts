import * as z from 'zod';
import type { DetectInput } from '../../core/detect.ts';
import type { Look } from '../look.ts';
import { readToml } from '../project/structured.ts';
import { byVersion, type Managed, type Toolchain } from './toolchain.ts';
import { homesOf } from './version-directories.ts';

const settings = z.looseObject({ default_toolchain: z.string() });
/** `1.84.1-x86_64-unknown-linux-gnu` says its version; `stable-…` does not. */
const numbered = /^(\d+\.\d+(?:\.\d+)?)-/;
const manifest = 'lib/rustlib/multirust-channel-manifest.toml';

/** The toolchains of rustup, and its default one. */
export async function readRustup(input: DetectInput, look: Look): Promise<Managed[]> {
  const [directory = ''] = homesOf(input, look, { variable: 'RUSTUP_HOME', homes: ['.rustup'] });
  const [cargo = ''] = homesOf(input, look, { variable: 'CARGO_HOME', homes: ['.cargo'] });
  const place = `${directory}/toolchains`;
  const [names, text] = await Promise.all([
    look.names(place),
    look.text(`${directory}/settings.toml`),
  ]);
  const found = await Promise.all(names.map((name) => toolchainAt(look, `${place}/${name}`)));
  const toolchains = found.flat().toSorted((one, other) => byVersion(one.version, other.version));
  if (toolchains.length === 0) return [];
  const wanted = readToml(text ?? '', settings)?.default_toolchain;
  const chosen = toolchains.find(({ prefix }) => prefix === `${place}/${wanted}`);
  return [
    {
      ...{ manager: 'rustup', directory, toolchains },
      chosen: new Map(chosen && [['rust', chosen.path]]),
      startedBy: /\.cargo\/(?:env|bin)/,
      // What is there hands over to the toolchain.
      onPath: new RegExp(`^${cargo.replaceAll(/[^\w/-]/g, '\\$&')}/bin/?$`),
    },
  ];
}

async function toolchainAt(look: Look, prefix: string): Promise<Toolchain[]> {
  const path = `${prefix}/bin/rustc`;
  if ((await look.facts(path))?.kind !== 'file') return [];
  const name = prefix.slice(prefix.lastIndexOf('/') + 1);
  // The manifest has the versions of everything in the release, a megabyte of them.
  const text = numbered.test(name) ? undefined : await look.text(`${prefix}/${manifest}`);
  const section = text?.slice(text.indexOf('\n[pkg.rustc]\n')).slice(0, 200);
  const version = numbered.exec(name)?.[1] ?? /^version = "([\w.-]+)/m.exec(section ?? '')?.[1];
  if (version === undefined) return [];
  const finding = {
    source: prefix,
    confidence: 'certain',
    reason: 'installed with rustup',
  } as const;
  return [{ name: 'rust', version, path, prefix, manager: 'rustup', finding }];
}
