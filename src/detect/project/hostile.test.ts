import fc from 'fast-check';
import { validRange } from 'semver';
import { describe, expect, it } from 'vitest';
import { readCommand } from '../../lib/command-line.ts';
import { printable } from '../../lib/printable.ts';
import { needsOf } from './needs-of.ts';

const names = [
  ...['package.json', '.nvmrc', 'pyproject.toml', 'requirements.txt', 'setup.py', 'setup.cfg'],
  ...[
    'Pipfile',
    'environment.yml',
    '.python-version',
    'runtime.txt',
    'manage.py',
    'app.py',
    'app/main.py',
  ],
  ...['api/pyproject.toml', 'requirements/dev.txt', 'go.mod', 'go.work', 'Cargo.toml'],
  ...['Cargo.lock', 'rust-toolchain', 'rust-toolchain.toml', 'pom.xml', 'build.gradle'],
  ...['settings.gradle.kts', 'gradle/wrapper/gradle-wrapper.properties', '.sdkmanrc'],
  ...['.java-version', 'Gemfile', 'Gemfile.lock', '.ruby-version', 'composer.json'],
  ...['composer.lock', 'global.json', 'x.csproj', 'mix.exs', 'CMakeLists.txt', 'meson.build'],
  ...['Procfile', 'Procfile.dev', 'Makefile', 'justfile', 'compose.yaml', '.env.example'],
  ...['server.js', 'src/main.ts', 'main.go', 'config/puma.rb', 'config/database.yml'],
  ...['Dockerfile', 'api/Containerfile', '.devcontainer/Dockerfile', '.devcontainer.json'],
  ...['.devcontainer/devcontainer.json', 'flake.nix', 'shell.nix', '.github/workflows/ci.yml'],
  ...[
    'prisma/schema.prisma',
    'web/package.json',
    'web/src/main.ts',
    'api/app/main.py',
    'app/settings.py',
    'config/dev.exs',
  ],
  ...['.gitlab-ci.yml', '.circleci/config.yml'],
  ...['configure.ac', 'configure', '.tool-versions', 'mise.toml', '.config/mise/config.toml'],
];

/** What must hold of needs, whatever the texts say. */
function check(files: readonly { path: string; text: string }[], others: readonly string[] = []) {
  const needs = needsOf(files, [...files.map(({ path }) => path), ...others]);
  const { tools, packages, ports, run, setup, notes } = needs;
  const findings = [...tools, ...packages, ...ports, ...run, ...setup].map((one) => one.finding);
  const all = [...files.map(({ path }) => path), ...others];
  for (const { source, reason } of findings) {
    expect(all).toContain(source);
    expect(reason.length).toBeLessThanOrEqual(60);
    expect(printable(reason)).toBe(reason);
  }
  for (const note of notes) {
    expect(note).not.toMatch(/not understood:/);
    expect(printable(note, 1000)).toBe(note);
    expect(note.length).toBeLessThan(400);
  }
  for (const { name, range } of tools) {
    expect(name).toMatch(/^[a-z]{1,10}$/);
    if (range !== undefined) expect([range, validRange(range)]).not.toContain(null);
  }
  for (const { name } of packages) expect(name).toMatch(/^[a-z\d][a-z\d.+-]{1,40}$/);
  for (const { command, finding } of run) {
    // A Procfile's lines are for a shell, and stay whole; all others are words.
    const shell = command.indexOf('/bin/sh');
    if (shell >= 0 && finding.source.includes('Procfile')) {
      expect(command[shell + 2]).not.toMatch(/\p{Cc}/u);
    } else expect(readCommand(command.join(' '))?.command).toEqual(command);
  }
  for (const { command } of setup) expect(command).toMatch(/^[\w ./-]+( && [\w ./-]+){0,2}$/);
}

/** Every file with the same text, over and over. */
function everywhere(text: string, length: number) {
  const whole = text.repeat(Math.ceil(length / text.length));
  check(names.map((path) => ({ path, text: whole })));
}

describe('texts that are made to keep a reader busy', () => {
  it.each([' ', '<', '"', "'", '[', '{', '\n', '0', 'a'])('of a million %j are read', (text) => {
    everywhere(text, 1024 ** 2);
  });

  it.each([
    ...[
      '(',
      '-',
      '.',
      ',',
      '>=',
      ' \n',
      'a.',
      '${',
      '<a>',
      '<!--',
      '<release> ',
      '<release>${',
      'a=',
    ],
    ...['[[a]]\n', 'a = [', '"a":{', 'gem "', 'ruby "', '    a (', '  - python=', '@', '\ud800'],
    ...['find_package(', 'pkg_check_modules(', 'PKG_CHECK_MODULES(a,', "dependency('", 'require '],
    ...['python_requires = ', 'install_requires "a', ' a\n', 'x = FastAPI', 'x: a.a', 'java = '],
    ...[
      'sourceCompatibility = ',
      'JavaLanguageVersion.of( ',
      'distributionUrl/gradle-1.',
      '#',
      '//',
    ],
    ...[
      'RUN a \\\n',
      'RUN apt-get install a ',
      'ARG A=$A\nFROM ${A:-',
      'FROM a AS a\n',
      'EXPOSE 1 ',
    ],
    ...['"\\', '/*', '//"', '[,', 'buildInputs = [', 'with pkgs; ', 'services:\n', '- a: &a *a\n'],
    ...['cmake_minimum_required(VERSION ', 'elixir: "', '<TargetFramework>net', 'kotlin(', 'go 1'],
  ])('of %j, over and over, are read', (text) => {
    everywhere(text, 256 * 1024);
  });

  it.each([
    ['TOML', `${'a = '}${'['.repeat(90)}${']'.repeat(90)}\n`],
    ['JSON', `{"require":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
    ['dotted names', `tool.${'a.'.repeat(20_000)}b = 1`],
  ])('nested deeply, as %s, are read', (_, text) => {
    check(names.map((path) => ({ path, text })));
  });
});

describe('texts of any kind', () => {
  const words = fc.constantFrom(
    ...[
      '[tool.poetry]\n',
      '[project]\n',
      '[tools]\n',
      '[package]\n',
      '[toolchain]\n',
      'requires-python = ',
    ],
    ...[
      'channel = ',
      'rust-version = ',
      'edition = "',
      '"2024"',
      'dependencies = ',
      '[',
      ']',
      '{',
      '}',
    ],
    ...[
      '"',
      "'",
      '"constructor"',
      '"__proto__"',
      'constructor',
      '__proto__',
      'toString',
      'python',
      'ruby ',
    ],
    ...[
      'gem ',
      'gem "rails"',
      'gem "pg"',
      'elixir: ',
      'go ',
      'toolchain go',
      'java=',
      'nodejs ',
      'java ',
    ],
    ...[
      '>=',
      '<',
      '~>',
      '^',
      '==',
      '3.11',
      '1.22',
      '8',
      '17',
      '-tem',
      'latest',
      'nightly',
      '\n',
      ' ',
      ',',
    ],
    ...[
      '{"require":{"php":"',
      '"ext-\u001b":"*"',
      '{"engines":{"node":"',
      '"}}',
      'x = Flask(',
      'flask\n',
    ],
    ...[
      '<release>',
      '</release>',
      '<source>',
      `\${release}`,
      'jvmToolchain(',
      ')',
      '\u001b[31m',
      '\u202e',
    ],
    ...[
      '[[package]]\nname = ',
      '"openssl-sys"',
      'uvicorn\n',
      'x = FastAPI(',
      ...[
        'FROM node:20 AS a\n',
        'ARG A="',
        'RUN apt-get install -y ',
        'libpq-dev ',
        'CMD ["node", "',
        '"]\n',
      ],
      ...[
        'EXPOSE 3000\n',
        '$A',
        '{"image":"python:',
        '"features":{"a/node:1":',
        '// x\n',
        'nodejs_20 ',
      ],
      ...[
        '{"postCreateCommand":"npm ci',
        'buildInputs = [ ',
        'jobs:\n  a:\n    ',
        'image: node:18\n',
      ],
      ...[
        'services: [redis:7]\n',
        'steps: [{uses: actions/setup-node@v4, with: {node-version: 18}}]\n',
      ],
      'sdk',
      '{"sdk":{"version":"8.0.1',
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 25 }).map((all) => all.join('')),
    fc.json(),
  );
  const file = fc.record({ path: fc.constantFrom(...names), text });
  const files = fc.uniqueArray(file, { maxLength: 8, selector: ({ path }) => path });
  const others = fc.subarray([
    'uv.lock',
    'Pipfile.lock',
    '.venv',
    'bin/rails',
    'artisan',
    'gradlew',
  ]);

  it.each([
    ...[
      '',
      'constructor',
      '__proto__',
      'toString',
      'system',
      'latest',
      '*',
      '\u001b[31m',
      '\u202e8',
    ],
    ...['go constructor', 'constructor 1.2', 'tools.constructor = "1"', 'toolchain.channel = "x"'],
    ...[
      'package.edition = "constructor"',
      'package.rust-version = "\\u001b"',
      '[project]\nname = 1',
    ],
    ...['{"sdk":{"version":"0.0.0","rollForward":"constructor"}}', '{"require":[1]}', '[]', 'null'],
    ...[
      '{"require":{"constructor":"1","__proto__":"1","ext-__proto__":"*"}}',
      '{"packages":[1,null]}',
    ],
    ...['[tool.poetry.group]\nx = 1', '[[package]]\nname = "constructor"\ndependencies = [1]'],
  ])('are read in every file: %j', (text) => {
    check(names.map((path) => ({ path, text })));
    for (const path of names) check([{ path, text }]);
  });

  it('are needs or notes, never an exception', () => {
    fc.assert(
      fc.property(files, others, (some, beside) => check(some, beside)),
      { numRuns: 3000 },
    );
  });
});
