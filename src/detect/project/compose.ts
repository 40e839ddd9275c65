import * as z from 'zod';
import type { NeededPort, NeededService, NeededTool } from '../../core/needs.ts';
import { toPort } from '../../lib/command-line.ts';
import { printable } from '../../lib/printable.ts';
import { neededOfImage } from './image-tools.ts';
import { isServicePort, serviceOfImage } from './known-services.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { readYaml, table, text } from './structured.ts';
import { certain, distinctTools, isAtTop, likely, nameOfFile } from './text.ts';

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

/** Beside the project's own files, those of development and of its dev container. */
const places = /^(?:(?:docker|\.devcontainer|\.docker|deploy(?:ment)?|infra)\/)?[^/]+$/;
const base = /^(?:docker-)?compose\.ya?ml$/;
const everyDay =
  /^(?:docker-)?compose[.-](?:override|dev|devel|development|local)[\w.-]{0,20}\.ya?ml$/;

/** A name by which programs of the project call a server: it is made one of the guest's own. */
const hostName = /^[a-z][a-z0-9-]{0,40}$/;

interface Found {
  readonly tools: NeededTool[];
  readonly services: NeededService[];
  readonly ports: NeededPort[];
  /** What no package is known for, as `name (image)`. */
  readonly others: string[];
}

/**
 * Compose files: services of known servers, the names of their databases and roles, and the ports of what the project
 * builds itself. Passwords are not read, and neither are files of variables.
 */
export const compose: ProjectReader = {
  name: 'compose',
  wants: (path) => places.test(path) && fileName.test(nameOfFile(path)),
  read(files) {
    const notes: string[] = [];
    const found = chosenFiles(files).map(({ path, text: source }): Found => {
      const all: Found = { tools: [], services: [], ports: [], others: [] };
      const read = readYaml(source, file);
      if (read === undefined) notes.push(`${path} is left out: it is not valid`);
      for (const [name, value] of Object.entries(read?.services ?? {}).slice(0, 200)) {
        const service = one.safeParse(value).data;
        if (service !== undefined) readService(path, { name, service }, all);
      }
      if (all.others.length > 0) {
        const more = all.others.length > 6 ? ` and ${all.others.length - 6} more` : '';
        notes.push(`${path} has what is not set up: ${all.others.slice(0, 6).join(', ')}${more}`);
      }
      return all;
    });
    return {
      tools: distinctTools(found.flatMap(({ tools }) => tools)),
      services: found.flatMap(({ services }) => services),
      ports: found.flatMap(({ ports }) => ports),
      notes: [...new Set(notes)],
    };
  },
};

/** Where there is a file for every day, those of tests, of deployments and of other images are not for it. */
function chosenFiles(files: readonly ProjectFile[]): readonly ProjectFile[] {
  const isDaily = ({ path }: ProjectFile) =>
    base.test(nameOfFile(path)) || everyDay.test(nameOfFile(path));
  const top = files.filter((file) => isAtTop(file.path) && isDaily(file));
  if (top.length > 0) return top.toSorted((one, other) => rank(one) - rank(other));
  const daily = files.filter(isDaily);
  return daily.length > 0 ? daily : files.slice(0, 1);
}

function rank({ path }: ProjectFile): number {
  return base.test(nameOfFile(path)) ? 0 : 1;
}

function readService(
  path: string,
  { name, service }: { name: string; service: z.output<typeof one> },
  found: Found,
): void {
  const { image } = service;
  if (service.build !== undefined) {
    const finding = likely(path, `${printable(name, 20)} listens there`);
    found.ports.push(
      ...portsOf(service.ports)
        .filter((port) => !isServicePort(port))
        .map((port) => ({ port, unit: name, finding })),
    );
    return;
  }
  if (image === undefined) return;
  const tools = neededOfImage(
    withDefaults(image),
    likely(path, `it runs in ${printable(withDefaults(image), 40)}`),
  );
  found.tools.push(...tools);
  if (tools.length > 0) return;
  const known = serviceOfImage(withDefaults(image));
  // A proxy is its configuration, and that names the other containers.
  if (known === undefined || known.name === 'nginx') {
    found.others.push(`${printable(name, 30)} (${printable(withDefaults(image), 40)})`);
    return;
  }
  const variables = variablesOf(service.environment);
  const named = (keys: readonly string[]) =>
    keys.flatMap((key) => withDefaults(variables.get(key) ?? '') || []);
  found.services.push({
    name: known.name,
    range: known.range,
    databases: named(databaseKeys),
    roles: named(roleKeys),
    hosts: hostName.test(name) && name !== 'localhost' ? [name] : [],
    finding: certain(path, `it has ${printable(withDefaults(image), 50)}`),
  });
}

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
