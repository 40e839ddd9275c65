import * as z from 'zod';
import type { DetectInput } from '../../core/detect.ts';
import type { Look } from '../look.ts';
import { readToml, table } from '../project/structured.ts';
import { languageNamed, type Managed, programsOf, type Toolchain } from './toolchain.ts';
import { choose, homesOf, versionsIn } from './version-directories.ts';

/** What a version is called in a directory of asdf or mise: `22.14.0`, `temurin-21.0.2+13.0.LTS`. */
const entry = /^(?:[a-z]+-)?v?(\d+(?:\.\d+)*)(?:[+.-][\w.+-]*)?$/;
const most = 60;

/** asdf: its versions, and those that ~/.tool-versions gives to a new shell. */
export async function readAsdf(input: DetectInput, look: Look): Promise<Managed[]> {
  const [directory = ''] = homesOf(input, look, { variable: 'ASDF_DATA_DIR', homes: ['.asdf'] });
  const pins = pinsOf(await look.text(`${look.home}/.tool-versions`));
  const startedBy = /asdf\.(?:sh|fish)|\.asdf\/shims|ASDF_DATA_DIR/;
  return readInstalls(look, { manager: 'asdf', directory, startedBy, pins });
}

/** mise: its versions, and those that its own configuration or ~/.tool-versions gives to a new shell. */
export async function readMise(input: DetectInput, look: Look): Promise<Managed[]> {
  const variable = 'MISE_DATA_DIR';
  const [directory = ''] = homesOf(input, look, { variable, homes: ['.local/share/mise'] });
  const { home } = look;
  const [own, asdf] = await Promise.all([
    look.text(`${home}/.config/mise/config.toml`),
    look.text(`${home}/.tool-versions`),
  ]);
  const pins = new Map([...pinsOf(asdf), ...pinsOfMise(own)]);
  return readInstalls(look, { manager: 'mise', directory, startedBy: /\bmise activate/, pins });
}

async function readInstalls(
  look: Look,
  {
    pins,
    ...own
  }: Pick<Managed, 'manager' | 'directory' | 'startedBy'> & {
    pins: ReadonlyMap<string, string>;
  },
): Promise<Managed[]> {
  const installs = `${own.directory}/installs`;
  const plugins = (await look.names(installs)).slice(0, most);
  const found = plugins.map(async (plugin): Promise<[Toolchain[], [string, string][]]> => {
    const name = languageNamed(plugin);
    if (name === undefined) return [[], []];
    const place = `${installs}/${plugin}`;
    const toolchains = await versionsOf(look, place, { manager: own.manager, name });
    const chosen = choose(toolchains, place, pins.get(name));
    return [toolchains, chosen === undefined ? [] : [[name, chosen]]];
  });
  const parts = await Promise.all(found);
  const toolchains = parts.flatMap(([some]) => some);
  if (toolchains.length === 0) return [];
  return [{ ...own, toolchains, chosen: new Map(parts.flatMap(([, some]) => some)) }];
}

/** Plugins put their program into `bin`, or a directory deeper. */
async function versionsOf(
  look: Look,
  place: string,
  { manager, name }: { manager: string; name: string },
): Promise<Toolchain[]> {
  const [own = name] = programsOf[name] ?? [];
  for (const program of [`bin/${own}`, own, `go/bin/${own}`]) {
    const found = await versionsIn(look, place, { manager, name, entry, program });
    if (found.length > 0) return found;
  }
  return [];
}

/** Of several versions in a line the first is the one that runs. */
function pinsOf(text: string | undefined): Map<string, string> {
  const pins = new Map<string, string>();
  for (const line of (text ?? '').split('\n', 200)) {
    const [plugin = '', version] = line.replace(/#.*/, '').trim().split(/\s+/, 2);
    const name = languageNamed(plugin);
    if (name !== undefined && version) pins.set(name, version);
  }
  return pins;
}

const miseConfig = z.looseObject({ tools: table });
const pin = z.union([
  z.string(),
  z.looseObject({ version: z.string() }).transform((one) => one.version),
]);

function pinsOfMise(text: string | undefined): Map<string, string> {
  const pins = new Map<string, string>();
  for (const [key, value] of Object.entries(readToml(text ?? '', miseConfig)?.tools ?? {})) {
    const name = languageNamed(key.replace(/^(?:core|asdf):/, ''));
    const version = pin.safeParse(Array.isArray(value) ? value[0] : value).data;
    if (name === undefined || version === undefined) continue;
    pins.set(name, /^(?:latest|lts)$/.test(version) ? 'newest' : version);
  }
  return pins;
}
