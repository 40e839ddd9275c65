import type { ProjectFile } from './reader.ts';
import { type Dependency, linesOf, nameOfFile } from './text.ts';

const compiler = ['build-essential', 'ruby-dev'];

/** Gems with C in them, and what that is compiled against. */
export const libraries = new Map<string, readonly string[]>([
  ['pg', ['libpq-dev', ...compiler]],
  ['mysql2', ['default-libmysqlclient-dev', ...compiler]],
  ['sqlite3', ['libsqlite3-dev', 'pkg-config', ...compiler]],
  ['nokogiri', ['libxml2-dev', 'libxslt1-dev', 'pkg-config', ...compiler]],
  ['psych', ['libyaml-dev', ...compiler]],
  ['rmagick', ['libmagickwand-dev', 'pkg-config', ...compiler]],
  ['ruby-vips', ['libvips42']],
  ['charlock_holmes', ['libicu-dev', ...compiler]],
  ['curb', ['libcurl4-openssl-dev', ...compiler]],
  ['tiny_tds', ['freetds-dev', ...compiler]],
  ['idn-ruby', ['libidn-dev', ...compiler]],
  ['rugged', ['cmake', 'pkg-config', 'libssl-dev', ...compiler]],
  ['ffi', ['libffi-dev', ...compiler]],
  ...[
    ...['bcrypt', 'bigdecimal', 'bootsnap', 'byebug', 'debug', 'eventmachine', 'hiredis', 'json'],
    ...['msgpack', 'nio4r', 'oj', 'puma', 'racc', 'redcarpet', 'sassc', 'thin', 'unf_ext'],
    ...['unicorn', 'websocket-driver'],
  ].map((name): [string, string[]] => [name, compiler]),
]);

/** Gems that come compiled, unless a lock file has nothing but their source. */
const precompiled = ['sqlite3', 'nokogiri', 'ffi'];

/** The gems that a Gemfile names, or of a lock file those that are compiled here. */
export function gemsOf({ path, text }: ProjectFile): Dependency[] {
  const lines = linesOf(text);
  if (nameOfFile(path) === 'Gemfile') {
    const names = lines.map((line) => /^\s*gem[\s(]\s{0,10}["']([\w.-]{1,60})["']/.exec(line)?.[1]);
    return names.flatMap((name) => {
      return name === undefined || precompiled.includes(name) ? [] : [{ name, path }];
    });
  }
  const locked = lines.map((line) =>
    /^ {4}([\w.-]{1,60}) \([\w.]{1,40}(-[^)]{1,40})?\)$/.exec(line),
  );
  const built = new Set(locked.flatMap((match) => (match?.[2]?.includes('linux') ? match[1] : [])));
  return locked.flatMap((match) => {
    const name = match?.[1];
    return name === undefined || built.has(name) ? [] : [{ name, path }];
  });
}
