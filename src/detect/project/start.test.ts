import { describe, expect, it } from 'vitest';
import { needsOfTexts, packagesOf, toolsOf } from '../../../test/fixtures/project-texts.ts';

type Texts = Readonly<Record<string, string>>;

const runOf = (files: Texts, others: string[] = []) =>
  needsOfTexts(files, others).run.map(({ command, port, env }) => [command.join(' '), port, env]);
const setupOf = (files: Texts, others: string[] = []) =>
  needsOfTexts(files, others).setup.map(({ command }) => command);
const node = (scripts: object, dependencies: object = { a: '1' }) => ({
  'package.json': JSON.stringify({ scripts, dependencies }),
});

describe('a project of Node.js', () => {
  it.each([
    [{ start: 'next start', dev: 'next dev' }, 'npm run dev', 3000],
    [
      { start: 'node dist/main.js', 'start:dev': 'nest start --watch' },
      'npm run start:dev',
      undefined,
    ],
    [{ dev: 'vite' }, 'npm run dev -- --host 0.0.0.0', 5173],
    [{ start: 'vite --port 3001' }, 'npm start -- --host 0.0.0.0', 3001],
    [{ start: 'ng serve --host 0.0.0.0' }, 'npm start', 4200],
    [{ start: 'react-scripts start' }, 'npm start', 3000],
    [{ start: 'tsc && node server.js' }, 'npm start', undefined],
  ])('with %j is kept running by %s', (scripts, command, port) => {
    expect(runOf(node(scripts))).toEqual([[command, port, {}]]);
  });

  it('that only serves what was built is built first', () => {
    const files = node({ start: 'node dist/main.js', build: 'tsc' });
    expect(setupOf(files)).toEqual(['npm install', 'npm run build']);
    expect(runOf(files).map(([command]) => command)).toEqual(['node dist/main.js']);
  });

  it('that is the assets of another one is not run', () => {
    expect(runOf(node({ dev: 'vite' }), ['artisan'])).toEqual([]);
    expect(runOf(node({ dev: 'tsc --watch' }))).toEqual([]);
  });

  it('has the Node.js that its tools run on, if it asks for none', () => {
    const files = node({}, { vite: '^7.1.0', next: '~14.2.0', eslint: 'latest' });
    expect(toolsOf(files)).toEqual([
      ...['node ^20.19.0 || >=22.12.0', 'node >=18.17.0', 'node any', 'npm any'],
    ]);
  });
});

describe('commands of a Procfile', () => {
  const procfile = (line: string, others: Texts = {}) => ({
    Procfile: `web: ${line}\n`,
    ...others,
  });
  const requirements = { 'requirements.txt': 'gunicorn\n' };

  it('find the programs of their own environment', () => {
    const [run] = runOf(procfile('gunicorn app:app', requirements));
    expect(run).toEqual([
      'gunicorn app:app',
      8000,
      { PORT: '8000', PATH: expect.stringMatching(/^\.venv\/bin:\/usr\/local\/sbin:/) },
    ]);
    const poetry = { 'pyproject.toml': '[tool.poetry]\nname = "x"', 'poetry.lock': '' };
    expect(runOf(procfile('celery worker', poetry))[0]?.[0]).toBe('poetry run celery worker');
    expect(runOf(procfile('puma -p 3001', { Gemfile: 'gem "puma"' }))).toEqual([
      ['bundle exec puma -p 3001', 3001, {}],
    ]);
    expect(runOf(procfile('npm start'))[0]?.[2]).toEqual({});
    const go = { 'go.mod': 'module x', 'main.go': 'package main' };
    expect(runOf(procfile('shop serve', go))[0]?.[0]).toBe('go run . serve');
  });

  it('listen for more than the guest itself', () => {
    const gems = { Gemfile: 'gem "rails"' };
    expect(runOf(procfile('bundle exec rails server', gems))[0]?.slice(1)).toEqual([
      3000,
      { BINDING: '0.0.0.0' },
    ]);
    expect(
      runOf(procfile('bundle exec rails server -b 0.0.0.0 -p 4001', gems))[0]?.slice(1),
    ).toEqual([...[4001, {}]]);
    expect(runOf(procfile('mix phx.server'))[0]?.[1]).toBe(4000);
  });
});

describe('frameworks', () => {
  it('of Spring Boot run by their own build tool, Maven first', () => {
    const files = {
      'pom.xml': '<artifactId>spring-boot-maven-plugin</artifactId>',
      'build.gradle': "plugins { id 'org.springframework.boot' version '3.2' }",
    };
    expect(runOf(files, ['mvnw', 'gradlew'])).toEqual([['./mvnw spring-boot:run', 8080, {}]]);
    expect(setupOf(files, ['mvnw'])).toEqual(['./mvnw -B -q test-compile']);
    expect(runOf({ 'build.gradle': files['build.gradle'] })).toEqual([
      ['gradle bootRun', 8080, {}],
    ]);
  });

  it('of Phoenix fetch what they need without a question', () => {
    const files = { 'mix.exs': 'deps: [{:phoenix, "~> 1.7"}, {:postgrex, ">= 0.0.0"}]' };
    expect(setupOf(files)).toEqual([
      ...['mix local.hex --force && mix local.rebar --force', 'mix deps.get'],
    ]);
    expect(runOf(files)).toEqual([['mix phx.server', 4000, {}]]);
    expect(needsOfTexts(files).services.map(({ name }) => name)).toEqual(['postgresql']);
  });

  it('of Laravel get a key, once', () => {
    const files = {
      'composer.json': '{"require":{"laravel/framework":"^12"}}',
      '.env.example': 'DB_CONNECTION=sqlite\n# DB_DATABASE=x\n',
    };
    expect(setupOf(files, ['artisan'])).toEqual([
      ...['composer install', 'cp .env.example .env && php artisan key:generate'],
      'php artisan migrate --force',
    ]);
    expect(setupOf(files, ['artisan', '.env'])).toEqual(['composer install']);
    expect(packagesOf(files)).toContain('php-sqlite3');
  });

  it('of Go serve when their program at the top does', () => {
    const main = 'package main\nfunc main() { http.ListenAndServe(":8081", nil) }';
    expect(runOf({ 'go.mod': 'module x', 'main.go': main })[0]?.[0]).toBe('go run .');
    expect(runOf({ 'go.mod': 'module x', 'main.go': 'package main' })).toEqual([]);
  });
});

describe('settings of databases', () => {
  it.each([
    ['prisma/schema.prisma', 'datasource db {\n  provider = "mysql"\n}', 'mysql', [], []],
    [
      'config/database.yml',
      'default: &d\n  adapter: postgresql\n  pool: <%= 5 %>\ndevelopment:\n  <<: *d\n  database: shop_dev\n  username: shop\nproduction:\n  database: p\n',
      ...['postgresql', ['shop_dev'], ['shop']],
    ],
    [
      'config/dev.exs',
      'config :x, X.Repo,\n  username: "postgres",\n  password: "hunter2",\n  database: "x_dev"',
      ...['postgresql', ['x_dev'], ['postgres']],
    ],
    [
      'shop/settings.py',
      'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ.get("N", "shop"), "USER": "u", "PASSWORD": "hunter2"}}',
      ...['postgresql', ['shop'], ['u']],
    ],
    [
      '.env.example',
      'DB_CONNECTION=mysql\nDB_DATABASE=laravel\nDB_USERNAME=clerk\nDB_PASSWORD=hunter2\n',
      ...['mysql', ['laravel'], ['clerk']],
    ],
    ['.env.example', 'POSTGRES_DB=a\nPOSTGRES_PASSWORD=hunter2', 'postgresql', ['a'], []],
  ])('in %s with %j', (path, text, name, databases, roles) => {
    const { services } = needsOfTexts({ [path as string]: text as string });
    expect(services).toMatchObject([{ name, databases, roles }]);
    expect(JSON.stringify(services)).not.toContain('hunter2');
  });

  it('of SQLite need no server', () => {
    expect(needsOfTexts({ 'config/database.yml': 'd:\n  adapter: sqlite3\n' }).services).toEqual(
      [],
    );
  });
});

describe('a project of several programs', () => {
  it('runs each in its own directory, with what it takes there', () => {
    const files = {
      'backend/requirements.txt': 'flask\n',
      'backend/app.py': 'app = Flask(__name__)',
      'frontend/package.json': '{"scripts":{"dev":"vite"},"devDependencies":{"vite":"^5.0.0"}}',
      'e2e/package.json': '{"scripts":{"start":"node x.js"}}',
    };
    const { run, setup } = needsOfTexts(files, ['frontend/yarn.lock']);
    expect(run).toMatchObject([
      { name: 'backend', directory: 'backend', port: 5000, finding: { source: 'backend/app.py' } },
      {
        name: 'frontend',
        directory: 'frontend',
        command: ['yarn', 'run', 'dev', '--host', '0.0.0.0'],
      },
    ]);
    expect(setup.map(({ command }) => command)).toEqual([
      'cd backend && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt',
      'cd frontend && yarn install --frozen-lockfile',
    ]);
    expect(toolsOf(files, ['frontend/yarn.lock'])).not.toContain('npm any');
  });

  it('that is installed as a whole is not installed by its parts', () => {
    const files = {
      'package.json':
        '{"packageManager":"pnpm@10.1.0","workspaces":["web"],"dependencies":{"a":"1"}}',
      'web/package.json': '{"scripts":{"start":"vite"},"dependencies":{"b":"1"}}',
      'pyproject.toml': '[project]\nname = "x"\n[tool.uv.workspace]\nmembers = ["api"]',
      'api/pyproject.toml': '[project]\nname = "api"\ndependencies = ["fastapi", "uvicorn"]',
      'api/main.py': 'app = FastAPI()',
    };
    const { run, setup } = needsOfTexts(files, ['uv.lock', 'api/uv.lock']);
    expect(setup.map(({ command }) => command)).toEqual([
      ...['pnpm install --frozen-lockfile', 'uv sync'],
    ]);
    expect(run.find(({ name }) => name === 'web')?.command.join(' ')).toBe(
      'pnpm run start --host 0.0.0.0',
    );
    expect(run.find(({ name }) => name === 'api')?.command[0]).toBe('../.venv/bin/python');
  });

  it('is the one at the top, where that is run', () => {
    const files = {
      Procfile: 'web: ./serve\n',
      'web/package.json': '{"scripts":{"start":"node s.js"}}',
    };
    expect(needsOfTexts(files).run.map(({ name, directory }) => [name, directory])).toEqual([
      ['web', undefined],
    ]);
  });
});
