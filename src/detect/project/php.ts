import * as z from 'zod';
import type { NeededRun, NeededSetup, NeededTool } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { rangeOf } from './constraint.ts';
import { extensionPackages } from './php-extensions.ts';
import type { ProjectFile, ProjectReader, ProjectTexts } from './reader.ts';
import { readJson, table } from './structured.ts';
import { askedTool, distinctTools, isAside, isAtTop, likely, nameOfFile } from './text.ts';

const composerJson = z.looseObject({ require: table, 'require-dev': table });
const packages = z
  .array(z.looseObject({ require: table }).catch({ require: undefined }))
  .optional()
  .catch(undefined);
const composerLock = z.looseObject({ packages, 'packages-dev': packages });

/** PHP: composer.json and its lock, with the extensions they ask for, and the servers of Laravel and Symfony. */
export const php: ProjectReader = {
  name: 'php',
  wants: (path) =>
    path === 'composer.lock' || (nameOfFile(path) === 'composer.json' && !isAside(path)),
  read(files, tree) {
    const notes: string[] = [];
    const manifests = files.flatMap(({ path, text }) => {
      if (nameOfFile(path) !== 'composer.json') return [];
      const content = readJson(text, composerJson);
      if (content === undefined) notes.push(`${printable(path)} is left out: it is not valid`);
      return content === undefined ? [] : [{ path, content }];
    });
    const [first] = manifests;
    if (first === undefined) return { notes };
    const versions = manifests.flatMap(({ path, content }): NeededTool[] => {
      const written = content.require?.php;
      if (typeof written !== 'string') return [];
      const range = rangeOf('composer', written);
      return askedTool(path, { name: 'php', label: 'PHP', written, range }, notes);
    });
    const names = manifests.flatMap(({ path, content }) =>
      Object.keys({ ...content.require, ...content['require-dev'] }).map((name) => ({
        name,
        path,
      })),
    );
    const locked = files.filter(({ path }) => path === 'composer.lock').flatMap(lockedNames);
    const extensions = extensionPackages([...names, ...locked]);
    const tool = (name: string, reason: string): NeededTool => {
      return { name, range: undefined, finding: likely(first.path, reason) };
    };
    const hasPackages = names.some(({ name }) => name.includes('/'));
    const uses = (name: string) => names.some((one) => isAtTop(one.path) && one.name === name);
    const finding = likely(first.path, 'its dependencies are not installed');
    return {
      ecosystems: ['PHP'],
      tools: distinctTools([
        ...versions,
        tool('php', 'a PHP project'),
        tool('composer', 'its dependencies come from Composer'),
      ]),
      packages: extensions.packages,
      run: webOf(tree, uses),
      setup: [
        ...(hasPackages && isAtTop(first.path) && !tree.has('vendor')
          ? [{ command: 'composer install', finding }]
          : []),
        ...(uses('laravel/framework') ? laravelKey(tree) : []),
      ],
      notes: [...notes, ...extensions.notes],
    };
  },
};

/** Without a key of its own Laravel answers nothing; its example says all else. */
function laravelKey(tree: ProjectTexts): NeededSetup[] {
  if (tree.has('.env') || !tree.has('.env.example') || !tree.has('artisan')) return [];
  const finding = likely('.env.example', 'Laravel has no key of its own yet');
  const key = { command: 'cp .env.example .env && php artisan key:generate', finding };
  // A file is its database, and made with its tables.
  const isFile = /^DB_CONNECTION=["']?sqlite\b/m.test(tree.text('.env.example') ?? '');
  const tables = {
    command: 'php artisan migrate --force',
    finding: { ...finding, reason: 'SQLite has no tables yet' },
  };
  return isFile ? [key, tables] : [key];
}

function lockedNames({ path, text }: ProjectFile) {
  const content = readJson(text, composerLock);
  const all = [...(content?.packages ?? []), ...(content?.['packages-dev'] ?? [])];
  return all.flatMap(({ require }) => Object.keys(require ?? {}).map((name) => ({ name, path })));
}

function webOf(tree: ProjectTexts, uses: (name: string) => boolean): NeededRun[] {
  const unit = (source: string, reason: string, command: readonly string[]): NeededRun[] => {
    return [{ name: 'web', command, env: {}, port: 8000, finding: likely(source, reason) }];
  };
  if (tree.has('artisan') && uses('laravel/framework')) {
    const command = ['php', 'artisan', 'serve', '--host', '0.0.0.0', '--port', '8000'];
    return unit('artisan', 'how Laravel serves it', command);
  }
  if (tree.has('public/index.php') && uses('symfony/framework-bundle')) {
    const command = ['php', '-S', '0.0.0.0:8000', '-t', 'public', 'public/index.php'];
    return unit('public/index.php', 'where Symfony is served from', command);
  }
  return [];
}
