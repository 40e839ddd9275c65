import { validRange } from 'semver';
import * as z from 'zod';
import type { NeededSetup, NeededTool } from '../../core/needs.ts';
import { quoted } from '../../lib/printable.ts';
import { engineOfTools } from './node-engines.ts';
import { startOf } from './node-scripts.ts';
import type { ProjectReader, ProjectTexts } from './reader.ts';
import { certain, isAtTop, likely, nameOfFile } from './text.ts';

// Others write this file for other programs: what has an unexpected shape is as good as absent.
const words = z.record(z.string(), z.unknown()).optional().catch(undefined);
const packageJson = z.looseObject({
  packageManager: z.string().optional().catch(undefined),
  engines: words,
  volta: words,
  scripts: words,
  dependencies: words,
  devDependencies: words,
  config: words,
});

interface Manifest {
  readonly path: string;
  readonly content: z.output<typeof packageJson>;
}

/** Package managers by their lock files, and the command that installs exactly what one says. */
const managers = [
  { name: 'pnpm', locks: ['pnpm-lock.yaml'], install: 'pnpm install --frozen-lockfile' },
  { name: 'yarn', locks: ['yarn.lock'], install: 'yarn install --frozen-lockfile' },
  { name: 'bun', locks: ['bun.lock', 'bun.lockb'], install: 'bun install --frozen-lockfile' },
  { name: 'npm', locks: ['package-lock.json', 'npm-shrinkwrap.json'], install: 'npm ci' },
] as const;

interface Manager {
  readonly tool: NeededTool;
  readonly install: string;
}

/** Node.js: package.json with its engines and start script, lock files, .nvmrc and .node-version. */
export const node: ProjectReader = {
  name: 'node',
  wants: (path) =>
    nameOfFile(path) === 'package.json' || path === '.nvmrc' || path === '.node-version',
  read(files, tree) {
    const notes: string[] = [];
    const pins = files.filter(({ path }) => path === '.nvmrc' || path === '.node-version');
    const manifests = files.flatMap(({ path, text }): Manifest[] => {
      if (nameOfFile(path) !== 'package.json') return [];
      const content = parse(text);
      if (content === undefined) notes.push(`${path} is left out: it is not valid`);
      return content === undefined ? [] : [{ path, content }];
    });
    const versions = [
      ...pins.map(({ path, text }) => pinned(path, text, notes)),
      ...manifests.map((one) => engine(one, notes)),
    ].filter((tool) => tool !== undefined);
    const [first] = manifests;
    if (first === undefined)
      return { ecosystems: versions.length > 0 ? ['Node.js'] : [], tools: versions, notes };

    const manager = managerOf(first, tree);
    const { path, content } = first;
    const start = isAtTop(path)
      ? startOf(
          {
            ...{ path, scripts: content.scripts ?? {}, manager: manager.tool.name },
            configured: content.config?.port,
          },
          tree,
        )
      : { run: [], setup: [] };
    const { run } = start;
    const hasDependencies = manifests.some(({ content }) => {
      return Object.keys({ ...content.dependencies, ...content.devDependencies }).length > 0;
    });
    const byTools = manifests.flatMap((one) => {
      const { dependencies, devDependencies } = one.content;
      const isSaid = versions.some(({ finding }) => finding.source === one.path);
      return isSaid ? [] : engineOfTools(one.path, { ...dependencies, ...devDependencies });
    });
    const needsManager = hasDependencies || run.some(({ command }) => command[0] !== 'node');
    const any: NeededTool = {
      ...{ name: 'node', range: undefined, finding: likely(first.path, 'a Node.js project') },
    };
    return {
      ecosystems: ['Node.js'],
      tools: [...versions, ...byTools, any, ...(needsManager ? [manager.tool] : [])],
      run,
      setup: [
        ...(hasDependencies && isAtTop(path) ? installation(first, manager, tree) : []),
        ...start.setup,
      ],
      notes,
    };
  },
};

function parse(text: string): Manifest['content'] | undefined {
  try {
    return packageJson.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What .nvmrc says: `v20.11.0`, `20`, `lts/iron`, `node`. */
function pinned(path: string, text: string, notes: string[]): NeededTool | undefined {
  const written = text.replace(/#.*/g, '').trim();
  const release = ltsNames.get(written.toLowerCase());
  const range = release ?? validRange(written.replace(/^v/, ''));
  const finding = certain(path, `it says ${quoted(written, 40)}`);
  if (range) return { name: 'node', range, finding };
  if (!/^(node|stable|lts\/\*|system)$/.test(written)) {
    notes.push(`${path} is left out: ${quoted(written, 40)} is no version`);
  }
  return undefined;
}

/** The names that nvm knows long-time releases by. */
const ltsNames = new Map([
  ['lts/gallium', '16'],
  ['lts/hydrogen', '18'],
  ['lts/iron', '20'],
  ['lts/jod', '22'],
  ['lts/krypton', '24'],
]);

function engine({ path, content }: Manifest, notes: string[]): NeededTool | undefined {
  const asked = content.volta?.node ?? content.engines?.node;
  if (typeof asked !== 'string') return undefined;
  const range = validRange(asked);
  if (range === null) {
    notes.push(`engines.node of ${path} is left out: ${quoted(asked, 40)} is no range of versions`);
    return undefined;
  }
  if (range === '*') return undefined;
  return { name: 'node', range, finding: certain(path, `it asks for Node.js ${asked}`) };
}

function managerOf({ path, content }: Manifest, tree: ProjectTexts): Manager {
  const [name, version] = content.packageManager?.split(/[@+]/) ?? [];
  const named = managers.find((manager) => manager.name === name);
  if (named) {
    const finding = certain(path, `packageManager is ${quoted(content.packageManager ?? '', 40)}`);
    const range = (version && validRange(version)) || undefined;
    return { tool: { name: named.name, range, finding }, install: named.install };
  }
  for (const { name: own, locks, install } of managers) {
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    const beside = locks.map((file) => `${directory}${file}`);
    const lock = [...beside, ...locks].find((file) => tree.has(file));
    if (lock === undefined) continue;
    const finding = certain(lock, `its dependencies are locked by ${own}`);
    return { tool: { name: own, range: undefined, finding }, install };
  }
  const finding = likely(path, 'it has dependencies or scripts');
  return { tool: { name: 'npm', range: undefined, finding }, install: 'npm install' };
}

/** Not needed where they are: the project's directory, node_modules and all, is the same one in the guest. */
function installation(manifest: Manifest, manager: Manager, tree: ProjectTexts): NeededSetup[] {
  if (tree.has('node_modules')) return [];
  const finding = likely(manifest.path, 'its dependencies are not installed');
  return [{ command: manager.install, finding }];
}
