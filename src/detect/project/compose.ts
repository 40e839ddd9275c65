import * as z from 'zod';
import type { NeededPort, NeededService } from '../../core/needs.ts';
import { toPort } from '../../lib/command-line.ts';
import { printable, quoted } from '../../lib/printable.ts';
import { serviceOfImage } from './known-services.ts';
import type { ProjectReader } from './reader.ts';
import { readYaml, table, text } from './structured.ts';
import { certain, isAtTop, likely, nameOfFile } from './text.ts';

const fileName = /^(docker-)?compose([.-][\w.-]{1,40})?\.ya?ml$/;

const one = z.looseObject({
  image: text,
  build: z.unknown().optional(),
  environment: z.unknown().optional(),
  ports: z.array(z.unknown()).optional().catch(undefined),
});
const file = z.looseObject({ services: table });

/** Names of databases and of roles, by the variables that the official images take them from. */
const databaseKeys = ['POSTGRES_DB', 'MYSQL_DATABASE', 'MARIADB_DATABASE', 'MONGO_INITDB_DATABASE'];
const roleKeys = ['POSTGRES_USER', 'MYSQL_USER', 'MARIADB_USER'];

/**
 * Compose files: services of known servers, the names of their databases and roles, and the ports of what the project
 * builds itself. Passwords are not read, and neither are files of variables.
 */
export const compose: ProjectReader = {
  name: 'compose',
  wants: (path) => isAtTop(path) && fileName.test(nameOfFile(path)),
  read(files) {
    const services: NeededService[] = [];
    const ports: NeededPort[] = [];
    const notes: string[] = [];
    for (const { path, text: source } of files) {
      const read = readYaml(source, file);
      if (read === undefined) notes.push(`${path} is left out: it is not valid`);
      for (const [name, value] of Object.entries(read?.services ?? {}).slice(0, 200)) {
        const service = one.safeParse(value).data;
        if (service === undefined) continue;
        const { image } = service;
        if (service.build !== undefined) {
          ports.push(
            ...portsOf(service.ports).map((port) => ({
              port,
              finding: likely(path, `${printable(name, 20)} listens there`),
            })),
          );
          continue;
        }
        if (image === undefined) continue;
        const known = serviceOfImage(withDefaults(image));
        if (known === undefined) {
          notes.push(
            `${printable(name, 40)} of ${path} is left out: no package is known for ${quoted(image, 60)}`,
          );
          continue;
        }
        const variables = variablesOf(service.environment);
        const named = (keys: readonly string[]) =>
          keys.flatMap((key) => withDefaults(variables.get(key) ?? '') || []);
        services.push({
          name: known.name,
          range: known.range,
          databases: named(databaseKeys),
          roles: named(roleKeys),
          finding: certain(path, `it has ${printable(withDefaults(image), 50)}`),
        });
      }
    }
    return { services, ports, notes: [...new Set(notes)] };
  },
};

/** `environment` is a mapping, or a list of NAME=VALUE. */
function variablesOf(value: unknown): Map<string, string> {
  const wanted = [...databaseKeys, ...roleKeys];
  if (Array.isArray(value)) {
    const pairs = value.flatMap((item): [string, string][] => {
      const [, key = '', text = ''] = /^(\w{1,60})=(.*)$/.exec(String(item).slice(0, 200)) ?? [];
      return wanted.includes(key) ? [[key, text]] : [];
    });
    return new Map(pairs);
  }
  if (value === null || typeof value !== 'object') return new Map();
  return new Map(
    Object.entries(value).flatMap(([key, text]) =>
      wanted.includes(key) && typeof text === 'string' ? [[key, text] as const] : [],
    ),
  );
}

/** `${NAME:-15}` is 15; a variable without a default says nothing. */
function withDefaults(value: string): string {
  return value
    .slice(0, 300)
    .replace(/\$\{\w{1,60}:?-([^}]{0,100})\}/g, '$1')
    .replace(/\$\{[^}]{0,100}\}|\$\w{1,60}/g, '');
}

/** The ports inside: `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, `{ target: 80 }`. */
function portsOf(list: readonly unknown[] = []): number[] {
  return list.slice(0, 50).flatMap((item) => {
    const target =
      typeof item === 'object' && item !== null && 'target' in item ? item.target : item;
    const [inside = ''] = withDefaults(String(target)).split(':').at(-1)?.split('/') ?? [];
    const port = toPort(inside);
    return port === undefined ? [] : [port];
  });
}
