import * as z from 'zod';
import type { NeededTool } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { rangeOf, rangeOfPin } from './constraint.ts';
import type { ProjectFile } from './reader.ts';
import { readToml, shape, table, text, texts } from './structured.ts';
import { askedTool, type Dependency, linesOf, nameOfFile } from './text.ts';

/** What one file of a Python project says. */
export interface PythonManifest {
  readonly path: string;
  readonly tools: readonly NeededTool[];
  /** By their normal names: `django`, `psycopg2-binary`. */
  readonly dependencies: readonly Dependency[];
  /** The package manager that the file is written for. */
  readonly manager: 'uv' | 'poetry' | 'pdm' | 'hatch' | 'pipenv' | undefined;
  /** pip can install the directory it is in. */
  readonly installable: boolean;
}

const groups = z.record(z.string(), texts).optional().catch(undefined);
const pyproject = z.looseObject({
  'build-system': shape({ 'build-backend': text }),
  'dependency-groups': groups,
  project: shape({
    'requires-python': text,
    dependencies: texts,
    'optional-dependencies': groups,
  }),
  tool: shape({
    poetry: shape({
      dependencies: table,
      'dev-dependencies': table,
      group: z
        .record(z.string(), shape({ dependencies: table }))
        .optional()
        .catch(undefined),
    }),
    uv: shape({ 'dev-dependencies': texts }),
    pdm: shape({ 'dev-dependencies': groups }),
    hatch: shape({ envs: table }),
  }),
});

const pipfile = z.looseObject({
  requires: shape({ python_version: text, python_full_version: text }),
  packages: table,
  'dev-packages': table,
});

/** Reads one file by its name, as far as it says anything. */
export function readPythonManifest(file: ProjectFile, notes: string[]): PythonManifest | undefined {
  const name = nameOfFile(file.path);
  if (name === 'pyproject.toml') return readPyproject(file, notes);
  if (name === 'Pipfile') return readPipfile(file, notes);
  if (name === 'setup.py' || name === 'setup.cfg') return readSetup(file, notes);
  if (name === 'environment.yml') return readEnvironment(file, notes);
  if (name === '.python-version') return readPin(file, notes);
  if (name === 'runtime.txt') return readRuntime(file, notes);
  if (name.endsWith('.txt')) {
    return { ...nothing(file), dependencies: dependenciesOf(linesOf(file.text), file.path) };
  }
  return undefined;
}

function nothing({ path }: ProjectFile) {
  return { path, tools: [], dependencies: [], manager: undefined, installable: false } as const;
}

function readPyproject(file: ProjectFile, notes: string[]): PythonManifest | undefined {
  const { path } = file;
  const content = readToml(file.text, pyproject);
  if (content === undefined) {
    notes.push(`${printable(path)} is left out: it is not valid`);
    return undefined;
  }
  const { project, tool } = content;
  const asked = project?.['requires-python'];
  const poetry = tool?.poetry;
  const constraint = poetry?.dependencies?.python;
  const tools = [
    ...(asked === undefined
      ? []
      : python(path, { written: asked, range: rangeOf('pep440', asked) }, notes)),
    ...(typeof constraint === 'string'
      ? python(path, { written: constraint, range: rangeOf('poetry', constraint) }, notes)
      : []),
  ];
  const specifiers = [
    ...(project?.dependencies ?? []),
    ...flat(project?.['optional-dependencies']),
    ...flat(content['dependency-groups']),
    ...(tool?.uv?.['dev-dependencies'] ?? []),
    ...flat(tool?.pdm?.['dev-dependencies']),
    ...Object.keys(poetry?.dependencies ?? {}).filter((name) => name !== 'python'),
    ...Object.keys(poetry?.['dev-dependencies'] ?? {}),
    ...Object.values(poetry?.group ?? {}).flatMap((group) =>
      Object.keys(group?.dependencies ?? {}),
    ),
  ];
  const backend = content['build-system']?.['build-backend'] ?? '';
  return {
    path,
    tools,
    dependencies: dependenciesOf(specifiers, path),
    manager: managerOf(tool, backend),
    installable: project !== undefined || poetry !== undefined || backend !== '',
  };
}

function managerOf(
  tool: z.output<typeof pyproject>['tool'],
  backend: string,
): PythonManifest['manager'] {
  if (tool?.poetry || backend.startsWith('poetry.')) return 'poetry';
  if (tool?.uv || backend === 'uv_build') return 'uv';
  if (tool?.pdm || backend.startsWith('pdm.')) return 'pdm';
  // Hatch's backend alone is used by every other manager too.
  return tool?.hatch?.envs ? 'hatch' : undefined;
}

function flat(named: Record<string, string[] | undefined> | undefined): string[] {
  return Object.values(named ?? {}).flatMap((list) => list ?? []);
}

function readPipfile(file: ProjectFile, notes: string[]): PythonManifest | undefined {
  const content = readToml(file.text, pipfile);
  if (content === undefined) {
    notes.push(`${printable(file.path)} is left out: it is not valid`);
    return undefined;
  }
  const { requires } = content;
  const asked = requires?.python_full_version ?? requires?.python_version;
  const names = Object.keys({ ...content.packages, ...content['dev-packages'] });
  return {
    ...nothing(file),
    tools: asked ? python(file.path, { written: asked, range: rangeOfPin(asked) }, notes) : [],
    dependencies: dependenciesOf(names, file.path),
    manager: 'pipenv',
  };
}

/** By what is written in it: setup.py is a program, and is never run. */
function readSetup(file: ProjectFile, notes: string[]): PythonManifest {
  const { path, text: source } = file;
  const isProgram = path.endsWith('.py');
  const asked = isProgram
    ? /\bpython_requires\s{0,10}=\s{0,10}["']([^"'\n]{1,100})["']/.exec(source)?.[1]
    : /^python_requires[ \t]{0,10}=[ \t]{0,10}([^\n]{1,100})$/m.exec(source)?.[1];
  const quotedWords = /["']([A-Za-z][\w.-]{0,60})(?=["' \t[<>=!~;])/g;
  const indented = /^[ \t]{1,10}([A-Za-z][\w.-]{0,60})(?=$|[ \t\r[<>=!~;])/gm;
  const start = source.indexOf('install_requires');
  const names =
    start < 0
      ? []
      : [...source.slice(start, start + 5000).matchAll(isProgram ? quotedWords : indented)];
  return {
    ...nothing(file),
    tools: asked
      ? python(path, { written: asked, range: rangeOf('pep440', asked.trim()) }, notes)
      : [],
    dependencies: dependenciesOf(
      names.map((match) => match[1] ?? ''),
      path,
    ),
    installable: isProgram,
  };
}

function readEnvironment(file: ProjectFile, notes: string[]): PythonManifest {
  const { path } = file;
  notes.push(`${printable(path)} is for conda, which is not set up: its packages are left out`);
  const asked = /^[ \t]{0,20}-[ \t]{1,5}python[ \t]{0,5}([=<>!~][^\n#]{1,60})/m
    .exec(file.text)?.[1]
    ?.trim();
  // To conda `=3.11` is any 3.11, with the build after another `=`.
  const single = /^=([\d.]{1,20})(?:=.{0,30})?$/.exec(asked ?? '')?.[1];
  const range = single ? rangeOfPin(single) : rangeOf('pep440', asked ?? '');
  return { ...nothing(file), tools: asked ? python(path, { written: asked, range }, notes) : [] };
}

/** What pyenv and uv read: `3.12`, `cpython-3.12.4`, several on their lines, of which the first is the one. */
function readPin(file: ProjectFile, notes: string[]): PythonManifest {
  const lines = linesOf(file.text).map((line) => line.replace(/#.*/, '').trim());
  const written = lines.find((line) => line !== '') ?? '';
  const range = rangeOfPin(written.replace(/^(?:cpython|python)[-@]/, ''));
  const isAny = written === '' || written === 'system';
  return { ...nothing(file), tools: isAny ? [] : python(file.path, { written, range }, notes) };
}

/** `python-3.11.9`; what it says of other languages is for their own readers. */
function readRuntime(file: ProjectFile, notes: string[]): PythonManifest | undefined {
  const written = /^\s{0,5}python-(\S{1,40})/.exec(file.text)?.[1];
  if (written === undefined) return undefined;
  const asked = { written, range: rangeOfPin(written) };
  return { ...nothing(file), tools: python(file.path, asked, notes) };
}

function python(
  path: string,
  asked: { written: string; range: string | undefined },
  notes: string[],
): NeededTool[] {
  return askedTool(path, { name: 'python', label: 'Python', ...asked }, notes);
}

/** The names at the beginning of `psycopg2[binary]>=2.9; python_version < "3.12"`. Options and links have none. */
function dependenciesOf(specifiers: readonly string[], path: string): Dependency[] {
  return specifiers.flatMap((specifier) => {
    const match = /^\s{0,20}([A-Za-z\d][\w.-]{0,80})(\[c\])?(?![\w.:/+-])/.exec(specifier);
    const name = match?.[1]?.toLowerCase().replace(/[-_.]+/g, '-');
    return name ? [{ name: `${name}${match?.[2] ?? ''}`, path }] : [];
  });
}
