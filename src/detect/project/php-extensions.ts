import type { NeededPackage } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { type Dependency, packagesFor } from './text.ts';

/** Extensions that Debian's PHP has without another package. */
const builtin = new Set([
  ...['calendar', 'core', 'ctype', 'date', 'exif', 'ffi', 'fileinfo', 'filter', 'ftp', 'gettext'],
  ...['hash', 'iconv', 'json', 'libxml', 'openssl', 'pcntl', 'pcre', 'pdo', 'phar', 'posix'],
  ...['random', 'readline', 'reflection', 'session', 'shmop', 'sockets', 'sodium', 'spl'],
  ...['standard', 'sysvmsg', 'sysvsem', 'sysvshm', 'tokenizer', 'zend-opcache', 'zlib'],
]);

/** Extensions in a package of another name. */
const others = new Map([
  ['dom', 'php-xml'],
  ['simplexml', 'php-xml'],
  ['xmlreader', 'php-xml'],
  ['xmlwriter', 'php-xml'],
  ['xsl', 'php-xml'],
  ['mysqli', 'php-mysql'],
  ['mysqlnd', 'php-mysql'],
  ['pdo_mysql', 'php-mysql'],
  ['pdo_pgsql', 'php-pgsql'],
  ['pdo_sqlite', 'php-sqlite3'],
  ['pdo_odbc', 'php-odbc'],
  ['pdo_dblib', 'php-sybase'],
]);

/** Extensions in a package of their own. */
const own = [
  ...['amqp', 'apcu', 'bcmath', 'bz2', 'curl', 'ds', 'enchant', 'gd', 'gmp', 'gnupg', 'igbinary'],
  ...[
    'imagick',
    'imap',
    'intl',
    'ldap',
    'mailparse',
    'mbstring',
    'memcache',
    'memcached',
    'mongodb',
  ],
  ...['msgpack', 'oauth', 'odbc', 'pcov', 'pgsql', 'pspell', 'redis', 'snmp', 'soap', 'sqlite3'],
  ...['ssh2', 'tidy', 'uuid', 'xdebug', 'xml', 'xmlrpc', 'yaml', 'zip', 'zmq'],
];

/** What names of Composer need of Debian: extensions, and frameworks by the extensions that they cannot do without. */
const libraries = new Map<string, readonly string[]>([
  ...own.map((name): [string, string[]] => [`ext-${name}`, [`php-${name}`]]),
  ...[...others].map(([name, one]): [string, string[]] => [`ext-${name}`, [one]]),
  ['laravel/framework', ['php-curl', 'php-mbstring', 'php-xml']],
  ['phpunit/phpunit', ['php-mbstring', 'php-xml']],
]);

/** The packages of the extensions among what a project requires; those that Debian does not have become a note. */
export function extensionPackages(names: readonly Dependency[]): {
  packages: readonly NeededPackage[];
  notes: readonly string[];
} {
  const required = names.map(({ name, path }) => ({ name: name.toLowerCase(), path }));
  const unknown = new Set(
    required
      .map(({ name }) => name)
      .filter(
        (name) => name.startsWith('ext-') && !libraries.has(name) && !builtin.has(name.slice(4)),
      ),
  );
  const some = [...unknown].slice(0, 5).map((name) => printable(name.slice(4), 30));
  const note = `no package is known for these extensions of PHP: ${some.join(', ')}`;
  return {
    packages: packagesFor(libraries, required),
    notes: some.length > 0 ? [note] : [],
  };
}
