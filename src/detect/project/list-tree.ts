import type { Files } from '../../core/host.ts';
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
export async function listTree(files: Files, directory: string): Promise<string[]> {
  const top = await files.list(directory).catch(() => []);
  const inside: string[] = [];
  let directories = 0;
  // Its manifests may be anywhere among many; its directories are few, or not its own.
  for (const name of top.slice(0, mostNames)) {
    if (foreign.has(name) || (name.startsWith('.') && !hidden.has(name))) continue;
    if (directories >= mostDirectories) break;
    if (!(await isDirectory(files, `${directory}/${name}`))) continue;
    directories += 1;
    const below = await names(files, `${directory}/${name}`);
    inside.push(...below.map((one) => `${name}/${one}`));
    const isPart = below.some((one) => partManifests.has(one));
    for (const deeper of hidden.get(name) ?? deep.get(name) ?? (isPart ? inParts : [])) {
      if (!below.includes(deeper.split('/', 1)[0] ?? '')) continue;
      const deepest = await names(files, `${directory}/${name}/${deeper}`);
      inside.push(...deepest.map((one) => `${name}/${deeper}/${one}`));
    }
  }
  for (const path of installed) {
    if (await isDirectory(files, `${directory}/${path}`)) inside.push(path);
  }
  return [...top, ...inside];
}

async function names(files: Files, directory: string): Promise<string[]> {
  // What may not be read has nothing to say.
  const all = await files.list(directory).catch(() => []);
  return all.slice(0, mostNames);
}

async function isDirectory(files: Files, path: string): Promise<boolean> {
  const facts = await files.facts(path).catch(() => undefined);
  return facts?.kind === 'directory';
}
