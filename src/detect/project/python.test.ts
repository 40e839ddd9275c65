import { describe, expect, it } from 'vitest';
import { needsOfTexts, packagesOf, toolsOf } from '../../../test/fixtures/project-texts.ts';

const pyproject =
  '[project]\nname = "x"\nrequires-python = ">=3.10"\ndependencies = ["httpx>=0.27"]\n';
const setupOf = (files: Record<string, string>, others: string[] = []) =>
  needsOfTexts(files, others).setup.map(({ command }) => command);

describe('the package manager of a Python project', () => {
  it.each([
    ['uv.lock', 'uv', 'uv sync'],
    ['poetry.lock', 'poetry', 'poetry install'],
    ['pdm.lock', 'pdm', 'pdm install'],
    ['Pipfile.lock', 'pipenv', 'pipenv install --dev'],
  ])('is the one that wrote %s', (lock, manager, install) => {
    expect(toolsOf({ 'pyproject.toml': pyproject }, [lock])).toEqual([
      'python >=3.10.0',
      'python any',
      `${manager} any`,
    ]);
    expect(setupOf({ 'pyproject.toml': pyproject }, [lock, 'requirements.txt'])).toEqual([install]);
  });

  it.each([
    ['[tool.uv]\ndev-dependencies = ["pytest"]', 'uv'],
    ['[build-system]\nbuild-backend = "uv_build"', 'uv'],
    ['[build-system]\nbuild-backend = "poetry.core.masonry.api"', 'poetry'],
    ['[build-system]\nbuild-backend = "pdm.backend"', 'pdm'],
    ['[tool.hatch.envs.default]\ndependencies = ["pytest"]', 'hatch'],
  ])('is the one that %j is written for', (text, manager) => {
    expect(toolsOf({ 'pyproject.toml': text })).toContain(`${manager} any`);
  });

  it('is none where only its backend builds', () => {
    const text = `${pyproject}[build-system]\nbuild-backend = "hatchling.build"`;
    expect(toolsOf({ 'pyproject.toml': text })).toEqual(['python >=3.10.0', 'python any']);
    expect(setupOf({ 'pyproject.toml': text })).toEqual([
      'python3 -m venv .venv && .venv/bin/pip install -e .',
    ]);
  });

  it('has nothing to install where the environment is, or without dependencies', () => {
    expect(setupOf({ 'pyproject.toml': pyproject }, ['uv.lock', '.venv'])).toEqual([]);
    expect(setupOf({ 'requirements.txt': 'httpx' }, ['venv'])).toEqual([]);
    expect(setupOf({ 'pyproject.toml': '[tool.ruff]\nline-length = 100' })).toEqual([]);
    expect(setupOf({ 'api/requirements.txt': 'httpx' })).toEqual([]);
  });
});

describe('the versions of Python', () => {
  it.each([
    ['.python-version', '# for pyenv\n3.12\n3.11\n', '>=3.12.0 <3.13.0'],
    ['.python-version', 'cpython-3.12.4', '3.12.4'],
    ['Pipfile', '[requires]\npython_version = "3.11"', '>=3.11.0 <3.12.0'],
    ['setup.py', 'setup(name="x", python_requires=">=3.8, <4")', '>=3.8.0 <4.0.0'],
    ['setup.cfg', '[options]\npython_requires = ~=3.9\r\n', '>=3.9.0 <4.0.0'],
    ['environment.yml', 'dependencies:\n  - python=3.11\n  - numpy', '>=3.11.0 <3.12.0'],
    ['environment.yml', 'dependencies:\n  - python>=3.9,<3.12', '>=3.9.0 <3.12.0'],
    ['api/pyproject.toml', pyproject, '>=3.10.0'],
  ])('are read from %s: %j', (path, text, range) => {
    expect(toolsOf({ [path]: text })[0]).toBe(`python ${range}`);
  });

  it('are a note where they are not understood', () => {
    const needs = needsOfTexts({ '.python-version': 'pypy3.10-7.3', 'pyproject.toml': 'not = [' });
    expect(needs.tools.map(({ range }) => range)).toEqual([undefined]);
    expect(needs.notes).toEqual([
      '.python-version: "pypy3.10-7.3" is left out: no version of Python that is understood',
      'pyproject.toml is left out: it is not valid',
    ]);
  });

  it('say nothing for what is in the documentation', () => {
    expect(toolsOf({ 'docs/requirements.txt': 'sphinx' })).toEqual([]);
  });
});

describe('what is compiled when it is installed', () => {
  it.each([
    ['requirements-dev.txt', 'Python_LDAP==3.4', ['libldap-dev', 'libsasl2-dev']],
    [
      'pyproject.toml',
      '[dependency-groups]\ndev = ["pycairo", {include-group = "x"}]',
      ['libcairo2-dev', 'pkg-config'],
    ],
    ['pyproject.toml', '[project.optional-dependencies]\ndb = ["psycopg[c]>=3"]', ['libpq-dev']],
    ['setup.py', "setup(install_requires=[\n 'httpx[http2]', 'uWSGI>=2'])", []],
    ['setup.cfg', '[options]\ninstall_requires =\n  uwsgi\n', []],
    ['Pipfile', '[packages]\nmysqlclient = "*"', ['default-libmysqlclient-dev', 'pkg-config']],
  ])('needs its library and a compiler: %s with %j', (path, text, libraries) => {
    expect(packagesOf({ [path]: text })).toEqual(
      [...libraries, 'build-essential', 'python3-dev'].toSorted(),
    );
  });

  it('needs nothing where there are wheels', () => {
    const text = 'psycopg2-binary\ncryptography\nlxml\nPillow\ngit+https://example.org/psycopg2\n';
    expect(packagesOf({ 'requirements.txt': text })).toEqual([]);
  });
});

describe('what a Python project serves', () => {
  const runOf = (files: Record<string, string>, others: string[] = []) =>
    needsOfTexts(files, others).run.map(({ command, port }) => `${command.join(' ')} on ${port}`);

  it('is told by FastAPI and uvicorn', () => {
    const files = {
      'pyproject.toml': '[project]\ndependencies = ["fastapi", "uvicorn[standard]"]',
      'app/main.py': 'import fastapi\n\napi: fastapi.FastAPI = fastapi.FastAPI(title="x")\n',
    };
    const command = '-m uvicorn app.main:api --host 0.0.0.0 --port 8000 on 8000';
    expect(runOf(files)).toEqual([`.venv/bin/python ${command}`]);
    expect(runOf(files, ['venv'])).toEqual([`venv/bin/python ${command}`]);
    expect(runOf(files, ['Pipfile.lock'])).toEqual([`pipenv run python ${command}`]);
  });

  it('is a note where it is not certain', () => {
    const needs = needsOfTexts({
      'requirements.txt': 'flask\ngunicorn',
      'app.py': 'def create_app():\n    app = Flask(__name__)\n    return app\n',
    });
    expect(needs.run).toEqual([]);
    expect(needs.notes).toEqual([
      'it uses flask, but no file says which program is served: name it under `run`',
    ]);
  });

  it('is nothing for another manage.py', () => {
    expect(runOf({ 'manage.py': 'print("managed")' })).toEqual([]);
  });
});
