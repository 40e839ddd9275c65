import type { NeededTool } from '../../core/needs.ts';
import { librariesOfC } from './c-libraries.ts';
import { rangeFrom, rangeOf } from './constraint.ts';
import type { ProjectFile, ProjectReader, ProjectTexts } from './reader.ts';
import {
  askedTool,
  certain,
  type Dependency,
  distinctTools,
  linesOf,
  packagesFor,
} from './text.ts';

const mostCalls = 500;

/** C and C++: CMakeLists.txt, meson.build, and configure with what it is made from. */
export const c: ProjectReader = {
  name: 'c',
  wants: (path) => ['CMakeLists.txt', 'meson.build', 'configure.ac', 'configure'].includes(path),
  read(files, tree) {
    const notes: string[] = [];
    // Many things are called configure.
    const own = files.filter(({ path, text }) => {
      return path !== 'configure' || text.slice(0, 2000).includes('Autoconf');
    });
    const [first] = own;
    if (first === undefined) return {};
    const parts = own.map((file) => read(file, tree, notes));
    const compiler = {
      name: 'build-essential',
      finding: certain(first.path, 'it is compiled from C or C++'),
    };
    return {
      ecosystems: ['C/C++'],
      tools: distinctTools(parts.flatMap(({ tools }) => tools)),
      packages: [
        compiler,
        ...packagesFor(
          librariesOfC,
          parts.flatMap(({ uses }) => uses),
        ),
      ],
      notes,
    };
  },
};

interface Read {
  readonly tools: readonly NeededTool[];
  readonly uses: readonly Dependency[];
}

function read(file: ProjectFile, tree: ProjectTexts, notes: string[]): Read {
  const { path } = file;
  const code = linesOf(file.text)
    .map((line) => line.replace(/^\s*(?:#|dnl\b).*/, ''))
    .join('\n');
  if (path === 'CMakeLists.txt') return readCmake(path, code, notes);
  if (path === 'meson.build') return readMeson(path, code, notes);
  const tools = [builder('make', path, 'configure makes files for make')];
  if (path === 'configure') return { tools, uses: [] };
  const uses = [
    ...(tree.has('configure') ? [] : ['autoreconf']),
    ...wordsOf(code, /\b(LT_INIT|PKG_CHECK_MODULES)\b/g),
    ...wordsOf(code, /\bPKG_CHECK_MODULES\s{0,5}\([^,()]{1,60},([^,()]{1,300})/g),
  ];
  return { tools, uses: uses.map((name) => ({ name, path })) };
}

function readCmake(path: string, code: string, notes: string[]): Read {
  // `3.16...3.27` is the least, and the newest that it was tried with.
  const least =
    /\bcmake_minimum_required\s{0,5}\(\s{0,20}VERSION\s{1,20}(\d{1,4}(?:\.\d{1,4}){0,3})/i;
  const version = least.exec(code)?.[1];
  const written = version ? `>=${version}` : '*';
  const range = version ? rangeFrom(version) : '*';
  const uses = [
    ...wordsOf(code, /\b(pkg_check_modules|pkg_search_module)\s{0,5}\(/gi),
    ...wordsOf(code, /\bfind_package\s{0,5}\(\s{0,20}([^\s()]{1,60})/gi),
    ...wordsOf(code, /\bpkg_(?:check_modules|search_module)\s{0,5}\(([^()]{1,500})\)/gi),
  ];
  return {
    tools: [
      ...askedTool(path, { name: 'cmake', label: 'CMake', written, range }, notes),
      builder('cmake', path, 'CMake builds it'),
      builder('make', path, 'CMake makes files for make'),
    ],
    uses: uses.map((name) => ({ name, path })),
  };
}

function readMeson(path: string, code: string, notes: string[]): Read {
  const written = /\bmeson_version\s{0,5}:\s{0,5}'([^'\n]{1,40})'/.exec(code)?.[1] ?? '*';
  const range = rangeOf('pep440', written);
  const uses = [
    ...wordsOf(code, /\b(dependency)\s{0,5}\(/g),
    ...wordsOf(code, /\bdependency\s{0,5}\(\s{0,20}'([^'\n]{1,60})'/g),
  ];
  return {
    tools: [
      ...askedTool(path, { name: 'meson', label: 'Meson', written, range }, notes),
      builder('meson', path, 'Meson builds it'),
      builder('ninja', path, 'Meson makes files for ninja'),
    ],
    uses: uses.map((name) => ({ name, path })),
  };
}

function builder(name: string, path: string, reason: string): NeededTool {
  return { name, range: undefined, finding: certain(path, reason) };
}

/** The names in what a pattern catches, each once, in small letters. */
function wordsOf(code: string, pattern: RegExp): string[] {
  const caught = [...code.matchAll(pattern)].slice(0, mostCalls);
  return [
    ...new Set(caught.flatMap((match) => (match[1] ?? '').toLowerCase().match(/[\w.+-]+/g) ?? [])),
  ];
}
