import type { NeededPackage, NeededService } from '../../core/needs.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { isAside, likely, linesOf, nameOfFile } from './text.ts';

/** Servers by the names that frameworks have for their adapters. */
const adapters = new Map<string, string>([
  ...(['postgresql', 'postgres', 'pgsql', 'postgis', 'psycopg2', 'pg'] as const).map(
    (name) => [name, 'postgresql'] as const,
  ),
  ...(['mysql', 'mysql2', 'trilogy'] as const).map((name) => [name, 'mysql'] as const),
  ['mariadb', 'mariadb'] as const,
  ['mongodb', 'mongodb'] as const,
]);

const labels = new Map([
  ['postgresql', 'PostgreSQL'],
  ['mysql', 'MySQL'],
  ['mariadb', 'MariaDB'],
  ['mongodb', 'MongoDB'],
]);

interface Settings {
  readonly adapter: string;
  readonly database?: string | undefined;
  readonly role?: string | undefined;
}

const rails =
  /^config\/database\.yml(?:\.(?:sample|example|dist))?$|^config\/database\.(?:sample|example)\.yml$/;
const django = /^(?:[\w-]{1,60}\/)?(?:settings|base|local|dev|development)\.py$/;
const phoenix = /^config\/(?:dev|config)\.exs(?:\.(?:sample|example))?$/;
const examples =
  /^\.env\.(?:example|sample|template|dist|defaults|local\.example)$|^env\.(?:example|sample)$/;

/**
 * Settings of frameworks: which server, which database, which role. Prisma, database.yml of Rails, settings of Django, dev.exs
 * of Ecto, and examples of environments. Of what a program computes only what it falls back to is read.
 */
export const databaseSettings: ProjectReader = {
  name: 'database-settings',
  wants: (path) =>
    !isAside(path) &&
    (nameOfFile(path) === 'schema.prisma' ||
      rails.test(path) ||
      django.test(path) ||
      phoenix.test(path) ||
      examples.test(path)),
  read(files) {
    const packages: NeededPackage[] = [];
    const services = files.flatMap((file): NeededService[] => {
      const settings = settingsOf(file);
      if (settings === undefined) return [];
      const { adapter, database, role } = settings;
      const name = adapters.get(adapter);
      const finding = likely(file.path, `it connects to ${labels.get(name ?? '') ?? 'SQLite'}`);
      // Laravel's connections are extensions of PHP.
      const extension = {
        pgsql: 'php-pgsql',
        mysql: 'php-mysql',
        mariadb: 'php-mysql',
        sqlite: 'php-sqlite3',
      };
      const isLaravel = /^\s{0,8}DB_CONNECTION\s{0,4}=/m.test(file.text);
      if (isLaravel && Object.hasOwn(extension, adapter)) {
        packages.push({ name: extension[adapter as keyof typeof extension], finding });
      }
      if (name === undefined) return [];
      return [
        {
          ...{ name, range: undefined, finding },
          databases: database === undefined ? [] : [database],
          roles: role === undefined ? [] : [role],
        },
        ...redisOf(file),
      ];
    });
    return { services, packages };
  },
};

function settingsOf(file: ProjectFile): Settings | undefined {
  const { path } = file;
  if (nameOfFile(path) === 'schema.prisma') return prisma(file);
  if (rails.test(path)) return databaseYml(file);
  if (phoenix.test(path)) return ecto(file);
  if (django.test(path)) return djangoSettings(file);
  return variables(file);
}

const word = '([A-Za-z_][\\w-]{0,62})';

function prisma({ text }: ProjectFile): Settings | undefined {
  const source = /\bdatasource\s{1,5}\w{1,40}\s{0,5}\{([^}]{0,600})\}/.exec(text)?.[1] ?? '';
  const adapter = /\bprovider\s{0,20}=\s{0,20}"(\w{1,20})"/.exec(source)?.[1];
  return adapter === undefined ? undefined : { adapter };
}

/** By its lines: with ERB in it, it is no YAML. */
function databaseYml({ text }: ProjectFile): Settings | undefined {
  const lines = linesOf(text).filter((line) => !/^\s*#/.test(line));
  const adapter = first(lines, /^\s{1,8}adapter:\s{1,20}["']?(\w{1,20})/);
  if (adapter === undefined) return undefined;
  const start = lines.findIndex((line) => /^development:/.test(line));
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^\S/.test(line));
  const own = end < 0 ? rest : rest.slice(0, end);
  return {
    adapter,
    database: first(
      own,
      new RegExp(`^\\s{1,8}database:\\s{1,20}["']?${word}["']?\\s{0,20}(?:#|$)`),
    ),
    role: first(own, new RegExp(`^\\s{1,8}username:\\s{1,20}["']?${word}["']?\\s{0,20}(?:#|$)`)),
  };
}

function ecto({ text }: ProjectFile): Settings | undefined {
  const lines = linesOf(text).filter((line) => !/^\s*#/.test(line));
  const database = first(lines, new RegExp(`^\\s{0,20}database:\\s{0,5}"${word}"`));
  const isMysql = lines.some((line) => /\bMyXQL\b|\bEcto\.Adapters\.MySQL\b/.test(line));
  const isOther = lines.some((line) => /\bSQLite3?\b/.test(line));
  if (database === undefined || isOther) return undefined;
  const role = first(lines, new RegExp(`^\\s{0,20}username:\\s{0,5}"${word}"`));
  return { adapter: isMysql ? 'mysql' : 'postgres', database, role };
}

/** Of `os.environ.get("DB_NAME", "shop")` what it falls back to. */
function djangoSettings({ text }: ProjectFile): Settings | undefined {
  const engine =
    /["']ENGINE["']\s{0,5}:\s{0,5}[^\n]{0,80}?["']django\.(?:db\.backends|contrib\.gis\.db\.backends)\.(\w{1,20})["']/.exec(
      text,
    );
  const adapter = engine?.[1];
  if (adapter === undefined) return undefined;
  const near = linesOf(text.slice(Math.max(0, engine?.index ?? 0), (engine?.index ?? 0) + 1500));
  const saidOf = (key: string) =>
    first(
      near,
      new RegExp(
        `["']${key}["']\\s{0,5}:\\s{0,5}(?:[\\w.]{1,40}\\(\\s{0,5}["']\\w{1,60}["']\\s{0,5},\\s{0,5}(?:default=)?)?["']${word}["']\\)?`,
      ),
    );
  return { adapter, database: saidOf('NAME'), role: saidOf('USER') };
}

function variables({ text }: ProjectFile): Settings | undefined {
  const lines = linesOf(text).filter((line) => !/^\s*#/.test(line));
  const saidOf = (names: string) =>
    first(
      lines,
      new RegExp(
        `^\\s{0,8}(?:export\\s)?(?:${names})\\s{0,4}=\\s{0,4}["']?${word}["']?\\s{0,20}(?:#|$)`,
      ),
    );
  const implied = lines.some((line) => /^\s{0,8}(?:POSTGRES_|PG)(?:DB|DATABASE|USER)\b/.test(line))
    ? 'postgres'
    : undefined;
  const named = saidOf(
    'DB_CONNECTION|DB_DIALECT|DB_TYPE|DB_CLIENT|DB_ENGINE|DATABASE_TYPE|DATABASE_CLIENT|TYPEORM_CONNECTION',
  );
  const adapter = named ?? implied;
  if (adapter === undefined) return undefined;
  return {
    adapter: adapter.toLowerCase(),
    database: saidOf(
      'DB_DATABASE|DB_NAME|DATABASE_NAME|POSTGRES_DB|PGDATABASE|MYSQL_DATABASE|TYPEORM_DATABASE',
    ),
    role: saidOf(
      'DB_USERNAME|DB_USER|DATABASE_USERNAME|DATABASE_USER|POSTGRES_USER|PGUSER|MYSQL_USER|TYPEORM_USERNAME',
    ),
  };
}

/** Laravel names Redis in every example: only what it is used for says that it is. */
function redisOf({ path, text }: ProjectFile): NeededService[] {
  const used =
    /^\s{0,8}(?:CACHE_STORE|CACHE_DRIVER|QUEUE_CONNECTION|SESSION_DRIVER|BROADCAST_DRIVER)\s{0,4}=\s{0,4}redis\b/m;
  if (!examples.test(path) || !used.test(text)) return [];
  return [
    {
      name: 'redis',
      range: undefined,
      databases: [],
      finding: likely(path, 'it connects to Redis'),
    },
  ];
}

function first(lines: readonly string[], pattern: RegExp): string | undefined {
  for (const line of lines) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
