import * as z from 'zod';
import type { NeededTool } from '../../core/needs.ts';
import { rangeOfPin } from './constraint.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { readJson, shape, text } from './structured.ts';
import { askedTool, certain, distinctTools, isAside, likely } from './text.ts';

const globalJson = z.looseObject({ sdk: shape({ version: text, rollForward: text }) });

/** .NET: global.json, and the frameworks that project files are built for. */
export const dotnet: ProjectReader = {
  name: 'dotnet',
  wants: (path) =>
    path === 'global.json' || (/\.(?:cs|fs|vb)proj$|\.sln$/.test(path) && !isAside(path)),
  read(files) {
    const notes: string[] = [];
    const projects = files.filter(({ path }) => path !== 'global.json');
    const sdk = files
      .filter((file) => !projects.includes(file))
      .flatMap((file) => pinned(file, notes));
    const first = projects[0];
    if (first === undefined && sdk.length === 0) return { notes };
    const any: NeededTool[] = first
      ? [{ name: 'dotnet', range: undefined, finding: likely(first.path, 'a .NET project') }]
      : [];
    return {
      ecosystems: ['.NET'],
      tools: distinctTools([...sdk, ...projects.flatMap(framework), ...any]),
      notes,
    };
  },
};

/** An SDK may be newer within what `rollForward` says, by default within its hundred of patches. */
function pinned({ path, text: source }: ProjectFile, notes: string[]): NeededTool[] {
  const sdk = readJson(source, globalJson)?.sdk;
  const written = sdk?.version;
  if (written === undefined) return [];
  const [, major = 0, minor = 0, patch = 0] =
    /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(written)?.map(Number) ?? [];
  const below = new Map([
    ['disable', `${major}.${minor}.${patch + 1}`],
    ['latestMajor', undefined],
    ['major', undefined],
    ['latestMinor', `${major + 1}.0.0`],
    ['minor', `${major + 1}.0.0`],
    ['latestFeature', `${major}.${minor + 1}.0`],
    ['feature', `${major}.${minor + 1}.0`],
  ]);
  const policy = sdk?.rollForward ?? '';
  const next = below.has(policy)
    ? below.get(policy)
    : `${major}.${minor}.${(Math.floor(patch / 100) + 1) * 100}`;
  const range = major === 0 ? undefined : [`>=${written}`, ...(next ? [`<${next}`] : [])].join(' ');
  return askedTool(path, { name: 'dotnet', label: 'the SDK of .NET', written, range }, notes);
}

function framework({ path, text: source }: ProjectFile): NeededTool[] {
  const element = /<TargetFrameworks?>([^<]{1,200})</.exec(source)?.[1] ?? '';
  const versions = [...element.matchAll(/\bnet(?:coreapp)?(\d{1,2}\.\d{1,2})\b/g)].map((match) => {
    return match[1] ?? '';
  });
  const newest = versions.toSorted((one, other) => Number(other) - Number(one))[0];
  const range = newest && rangeOfPin(newest);
  return range
    ? [{ name: 'dotnet', range, finding: certain(path, `it is built for .NET ${newest}`) }]
    : [];
}
