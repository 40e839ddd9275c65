import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { quietIo } from '../../src/core/quiet-io.ts';
import { readNeeds } from '../../src/detect/project/read-needs.ts';
import { treeOf } from '../fixtures/tree-of.ts';

const projects = fileURLToPath(new URL('../fixtures/projects', import.meta.url));

/** What a sample project needs, each thing in one line: what it is, and the file that says so with its reason. */
async function needsOf(name: string) {
  const needs = await readNeeds(await treeOf(path.join(projects, name)), quietIo());
  const because = ({ source, reason }: { source: string; reason: string }) =>
    `${source}: ${reason}`;
  return {
    ecosystems: needs.ecosystems,
    tools: needs.tools.map((tool) => [tool.name, tool.range ?? 'any', because(tool.finding)]),
    packages: needs.packages.map((one) => [one.name, because(one.finding)]),
    services: needs.services,
    ports: needs.ports.map((one) => [one.port, because(one.finding)]),
    run: needs.run.map((one) => [one.command.join(' '), one.port, because(one.finding)]),
    setup: needs.setup.map((one) => [one.command, because(one.finding)]),
    notes: needs.notes,
  };
}

const nothing = {
  ...{ ecosystems: [], tools: [], packages: [], services: [], ports: [], run: [], setup: [] },
  notes: [],
};

describe('a project needs just what its files say', () => {
  it('with Poetry and Django', async () => {
    expect(await needsOf('python-poetry')).toEqual({
      ...nothing,
      ecosystems: ['Python'],
      tools: [
        ['python', '3.12.4', '.python-version: it asks for Python 3.12.4'],
        ['python', '>=3.10.0 <4.0.0', 'pyproject.toml: it asks for Python ^3.10'],
        ['python', 'any', 'pyproject.toml: a Python project'],
        ['poetry', 'any', 'poetry.lock: its dependencies are locked by poetry'],
      ],
      packages: [
        ['libpq-dev', 'pyproject.toml: psycopg2 needs it'],
        ['build-essential', 'pyproject.toml: psycopg2 needs it'],
        ['python3-dev', 'pyproject.toml: psycopg2 needs it'],
      ],
      run: [
        [
          'poetry run python manage.py runserver 0.0.0.0:8000',
          8000,
          'manage.py: how Django serves it',
        ],
      ],
      setup: [['poetry install', 'poetry.lock: its dependencies are not installed']],
      notes: ['the tables of its database are not made yet: poetry run python manage.py migrate'],
    });
  });

  it('with a list for pip and Flask', async () => {
    expect(await needsOf('python-flask')).toEqual({
      ...nothing,
      ecosystems: ['Python'],
      tools: [
        [
          'python',
          '>=3.9.0 <3.9.7 || >=3.9.8 <3.13.0',
          'setup.cfg: it asks for Python >=3.9, !=3.9.7, <3.13',
        ],
        ['python', 'any', 'requirements.txt: a Python project'],
      ],
      packages: [
        ['default-libmysqlclient-dev', 'requirements.txt: mysqlclient needs it'],
        ['pkg-config', 'requirements.txt: mysqlclient needs it'],
        ['build-essential', 'requirements.txt: mysqlclient needs it'],
        ['python3-dev', 'requirements.txt: mysqlclient needs it'],
      ],
      run: [
        [
          '.venv/bin/python -m flask --app app:app run --host 0.0.0.0 --port 5000',
          5000,
          'app.py: how Flask serves it',
        ],
      ],
      setup: [
        [
          'python3 -m venv .venv && .venv/bin/pip install -r requirements.txt',
          'requirements.txt: its dependencies are not installed',
        ],
      ],
    });
  });

  it('as a module of Go', async () => {
    expect(await needsOf('go-module')).toEqual({
      ...nothing,
      ecosystems: ['Go'],
      tools: [
        ['go', '>=1.22.5', 'go.mod: it asks for Go >=1.22.5'],
        ['go', 'any', 'go.mod: a Go module'],
      ],
      packages: [['build-essential', 'go.mod: github.com/mattn/go-sqlite3 needs it']],
    });
  });

  it('as a workspace of Rust', async () => {
    expect(await needsOf('rust-workspace')).toEqual({
      ...nothing,
      ecosystems: ['Rust'],
      tools: [
        ['rust', '>=1.74.0', 'Cargo.toml: it asks for Rust >=1.74'],
        ['rust', '>=1.85.0', 'server/Cargo.toml: edition 2024 needs it'],
        ['rust', 'any', 'rust-toolchain.toml: its toolchain is nightly'],
      ],
      packages: [
        ['build-essential', 'Cargo.toml: Rust programs are linked by the C compiler'],
        ['libssl-dev', 'Cargo.lock: openssl-sys needs it'],
        ['pkg-config', 'Cargo.lock: openssl-sys needs it'],
      ],
      notes: [
        'rust-toolchain.toml asks for "nightly-2024-05-01" of Rust, which only rustup installs',
      ],
    });
  });

  it('with Maven and Spring Boot', async () => {
    expect(await needsOf('java-maven')).toEqual({
      ...nothing,
      ecosystems: ['Java'],
      tools: [
        ['java', '>=17.0.0 <18.0.0', '.sdkmanrc: it asks for Java 17.0.8-tem'],
        ['maven', '3.9.6', '.sdkmanrc: it asks for Maven 3.9.6'],
        ['java', '>=17.0.0', 'pom.xml: it is compiled for Java 17'],
        ['java', 'any', 'pom.xml: a project of the JVM'],
        ['maven', 'any', 'pom.xml: Maven builds it'],
      ],
      ports: [[8080, 'pom.xml: where Spring Boot listens']],
    });
  });

  it('with Gradle, its wrapper and Kotlin', async () => {
    expect(await needsOf('java-gradle')).toEqual({
      ...nothing,
      ecosystems: ['Java', 'Kotlin'],
      tools: [
        ['java', '>=17.0.0 <22.0.0', 'app/build.gradle.kts: it is compiled for Java 17'],
        ['java', 'any', 'build.gradle.kts: a project of the JVM'],
      ],
    });
  });

  it('with Rails', async () => {
    expect(await needsOf('ruby-rails')).toEqual({
      ...nothing,
      ecosystems: ['Ruby'],
      tools: [
        ['ruby', '3.2.3', '.ruby-version: it asks for Ruby ruby-3.2.3'],
        ['ruby', 'any', 'Gemfile: a Ruby project'],
        ['bundler', 'any', 'Gemfile: its gems come from a Gemfile'],
      ],
      packages: [
        ['libpq-dev', 'Gemfile: pg needs it'],
        ['build-essential', 'Gemfile: pg needs it'],
        ['ruby-dev', 'Gemfile: pg needs it'],
        ['libyaml-dev', 'Gemfile.lock: psych needs it'],
      ],
      run: [['bin/rails server -b 0.0.0.0 -p 3000', 3000, 'bin/rails: how Rails serves it']],
      setup: [
        [
          'bundle config set --local path vendor/bundle && bundle install',
          'Gemfile: its gems are not installed',
        ],
      ],
      notes: ['the tables of its database are not made yet: bin/rails db:prepare'],
    });
  });

  it('with Laravel', async () => {
    expect(await needsOf('php-laravel')).toEqual({
      ...nothing,
      ecosystems: ['PHP'],
      tools: [
        ['php', '>=8.2.0 <9.0.0', 'composer.json: it asks for PHP ^8.2'],
        ['php', 'any', 'composer.json: a PHP project'],
        ['composer', 'any', 'composer.json: its dependencies come from Composer'],
      ],
      packages: [
        ['php-pgsql', 'composer.json: ext-pdo_pgsql needs it'],
        ['php-curl', 'composer.json: laravel/framework needs it'],
        ['php-mbstring', 'composer.json: laravel/framework needs it'],
        ['php-xml', 'composer.json: laravel/framework needs it'],
      ],
      run: [
        ['php artisan serve --host 0.0.0.0 --port 8000', 8000, 'artisan: how Laravel serves it'],
      ],
      setup: [['composer install', 'composer.json: its dependencies are not installed']],
      notes: ['no package is known for these extensions of PHP: swoole'],
    });
  });

  it('with versions pinned by asdf and mise, and nothing else of them', async () => {
    const mise = '.config/mise/config.toml: it asks for';
    const asdf = '.tool-versions: it asks for';
    expect(await needsOf('asdf-tools')).toEqual({
      ...nothing,
      tools: [
        ['node', '20.11.0', `${asdf} node 20.11.0`],
        ['python', '3.11.4', `${asdf} python 3.11.4`],
        ['go', '>=1.22.0 <1.23.0', `${asdf} go 1.22`],
        ['java', '>=21.0.0 <22.0.0', `${asdf} java temurin-21.0.1+12`],
        ['rust', '>=1.78.0 <1.79.0', `${mise} rust 1.78`],
        ['ruby', '>=3.3.0 <3.4.0', `${mise} ruby 3.3`],
        ['elixir', '1.16.2', `${mise} elixir 1.16.2-otp-26`],
        ['php', 'any', `${mise} php`],
      ],
      notes: [
        '.tool-versions asks for what is not set up: postgres, terraform',
        '.config/mise/config.toml asks for what is not set up: npm:prettier',
      ],
    });
  });

  it('with CMake', async () => {
    expect(await needsOf('cmake-cpp')).toEqual({
      ...nothing,
      ecosystems: ['C/C++'],
      tools: [
        ['cmake', '>=3.16.0', 'CMakeLists.txt: it asks for CMake >=3.16'],
        ['cmake', 'any', 'CMakeLists.txt: CMake builds it'],
        ['make', 'any', 'CMakeLists.txt: CMake makes files for make'],
      ],
      packages: [
        ['build-essential', 'CMakeLists.txt: it is compiled from C or C++'],
        ['pkg-config', 'CMakeLists.txt: pkg_check_modules needs it'],
        ['libssl-dev', 'CMakeLists.txt: openssl needs it'],
        ['libsqlite3-dev', 'CMakeLists.txt: sqlite3 needs it'],
        ['libgtk-4-dev', 'CMakeLists.txt: gtk4 needs it'],
      ],
    });
  });
});

it('gems that are installed in the project need no setup', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'cb-'));
  try {
    writeFileSync(path.join(directory, 'Gemfile'), 'gem "rake"\n');
    const setup = async () => (await readNeeds(await treeOf(directory), quietIo())).setup;
    mkdirSync(path.join(directory, 'vendor'));
    expect(await setup()).toHaveLength(1);
    mkdirSync(path.join(directory, 'vendor/bundle'));
    expect(await setup()).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
