import type { ProjectTree } from '../../core/project-tree.ts';
import { partManifests } from './parts.ts';

/** What others put into a project: it says nothing about what the project itself asks for. */
const foreign = new Set([
  'node_modules',
  'vendor',
  'target',
  'dist',
  'build',
  'venv',
  'env',
  'site-packages',
  '__pycache__',
  'third_party',
]);

/** Hidden directories with files about the project in them, and how the deeper of those are found. */
const hidden = new Map<string, readonly string[]>([
  ['.github', ['workflows']],
  ['.devcontainer', []],
  ['.circleci', []],
  ['.config', ['mise']],
  ['.mise', []],
]);

/** Others with such files deeper than right below them. */
const deep = new Map<string, readonly string[]>([
  ['gradle', ['wrapper']],
  ['src', ['prisma', 'main/resources']],
]);

/** Directories in which the programs of a part of the project have their own. */
const inParts = ['src', 'app', 'bin', 'config', 'prisma', 'public'];

/** Where others' files are a project's own dependencies, installed: asked about by name, never looked into. */
const installed = ['vendor/bundle'];

const mostDirectories = 200;
const mostNames = 5000;

/**
 * The files and directories of a project, as paths from it: its top, sorted, then what is right below each directory. One
 * with more names than anybody reads is cut off. Links are listed and not followed.
 */
export async function listTree(tree: ProjectTree): Promise<string[]> {
  const top = await names(tree, '.');
  const inside: string[] = [];
  let directories = 0;
  // Its manifests may be anywhere among many; its directories are few, or not its own.
  for (const name of top.slice(0, mostNames)) {
    if (foreign.has(name) || (name.startsWith('.') && !hidden.has(name))) continue;
    if (directories >= mostDirectories) break;
    if (!(await isDirectory(tree, name))) continue;
    directories += 1;
    const below = (await names(tree, name)).slice(0, mostNames);
    inside.push(...below.map((one) => `${name}/${one}`));
    const isPart = below.some((one) => partManifests.has(one));
    for (const deeper of hidden.get(name) ?? deep.get(name) ?? (isPart ? inParts : [])) {
      if (!below.includes(deeper.split('/', 1)[0] ?? '')) continue;
      const deepest = (await names(tree, `${name}/${deeper}`)).slice(0, mostNames);
      inside.push(...deepest.map((one) => `${name}/${deeper}/${one}`));
    }
  }
  for (const path of installed) {
    if (await isDirectory(tree, path)) inside.push(path);
  }
  return [...top, ...inside];
}

async function names(tree: ProjectTree, directory: string): Promise<string[]> {
  // What may not be read has nothing to say.
  return tree.list(directory).catch(() => []);
}

async function isDirectory(tree: ProjectTree, path: string): Promise<boolean> {
  const facts = await tree.entry(path).catch(() => undefined);
  return facts?.kind === 'directory';
}
