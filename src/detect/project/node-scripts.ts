import type { NeededRun, NeededSetup } from '../../core/needs.ts';
import { portOf, readCommand, toPort } from '../../lib/command-line.ts';
import type { ProjectTexts } from './reader.ts';
import { nodeServers } from './servers.ts';
import { certain, likely } from './text.ts';

/** What a package.json says about how it is started. */
export interface NodeScripts {
  readonly path: string;
  readonly scripts: Readonly<Record<string, unknown>>;
  /** The port in npm's `config`, which npm itself hands to scripts. */
  readonly configured: unknown;
  readonly manager: string;
}

/** Scripts that serve while it is worked on, the likeliest first. */
const forWork = ['dev', 'start:dev', 'develop', 'serve'];

/** What only serves that which a build has left. */
const needsBuild =
  /\b(?:next|nuxt|nuxi|react-router) start\b|\b(?:vite|astro|nuxt|nuxi) preview\b|\b(?:remix|react-router)-serve\b|\bnode\s(?:\S{1,80}\s){0,4}(?:\.\/)?(?:dist|build|out|lib|\.output|\.next)\//;

/** Files of frameworks that serve the pages themselves: what Node.js has there is their assets. */
const otherServers = [
  ...['artisan', 'manage.py', 'Gemfile', 'mix.exs', 'symfony.lock', 'pom.xml', 'build.gradle'],
  ...['build.gradle.kts', 'go.mod', 'Cargo.toml', 'pyproject.toml', 'composer.json'],
];

/** How the program of a package is kept running, and what is built before. */
export function startOf(
  from: NodeScripts,
  tree: ProjectTexts,
): { run: NeededRun[]; setup: NeededSetup[] } {
  const { scripts, path } = from;
  const lineOf = (name: string) => {
    const line = Object.hasOwn(scripts, name) ? scripts[name] : undefined;
    return typeof line === 'string' ? line.trim().slice(0, 1000) : '';
  };
  const start = lineOf('start');
  const work = forWork.find((name) => lineOf(name) !== '');
  if (start !== '' && !needsBuild.test(start))
    return { run: [unit(from, 'start', start)], setup: [] };
  if (start === '' && otherServers.some((file) => tree.has(file))) return { run: [], setup: [] };
  if (
    work !== undefined &&
    (start !== '' || serverIn(lineOf(work)) !== undefined || isScript(lineOf(work)))
  ) {
    return { run: [unit(from, work, lineOf(work))], setup: [] };
  }
  if (start === '') return { run: [], setup: [] };
  const build =
    lineOf('build') === ''
      ? []
      : [
          {
            command: `${from.manager} run build`,
            finding: likely(path, 'its start script needs it'),
          },
        ];
  return { run: [unit(from, 'start', start)], setup: build };
}

/** A program of the project itself: `node --watch server.js`, `nodemon`, `tsx`. */
function isScript(line: string): boolean {
  return /^(?:node|nodemon|tsx|ts-node|ts-node-dev|nest start|bun)\b/.test(line);
}

function unit(from: NodeScripts, name: string, line: string): NeededRun {
  const { path, manager, configured } = from;
  const finding = certain(path, `its ${name} script`);
  const own = toPort(configured);
  const simple = readCommand(line);
  // npm is what hands `config` to a script, so only a script without it can do without npm.
  if (
    name === 'start' &&
    simple?.command[0] === 'node' &&
    simple.command.length > 1 &&
    own === undefined
  ) {
    return { name: 'web', ...simple, port: portOf(line), finding };
  }
  const server = serverIn(line);
  const port = portOf(line) ?? portOfServer(line) ?? own ?? server?.port;
  // What is added goes to the last program of the line.
  const host =
    server?.host === undefined || /\s--?h(?:ost)?\b/.test(line) ? [] : server.host.split(' ');
  const added = host.length > 0 && manager === 'npm' ? ['--', ...host] : host;
  const command = manager === 'npm' && name === 'start' ? ['npm', 'start'] : [manager, 'run', name];
  return { name: 'web', command: [...command, ...added], env: {}, port, finding };
}

/** The server that is the last program of a line. */
function serverIn(line: string) {
  const last = line.split(/&&|;|\|/).at(-1) ?? '';
  const words = last.trim().split(/\s+/, 20);
  const word = words.find((one) => Object.hasOwn(nodeServers, one));
  // `vite build` makes files, and serves nothing.
  if (word === undefined || /\s(?:build|preview|lint|test|info)\b/.test(last)) return undefined;
  return nodeServers[word];
}

function portOfServer(line: string): number | undefined {
  return serverIn(line) && toPort(/\s-p[ ]?(\d{2,5})(?=\s|$)/.exec(line)?.[1]);
}
