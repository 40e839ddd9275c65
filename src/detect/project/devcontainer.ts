import { validRange } from 'semver';
import * as z from 'zod';
import type {
  NeededPackage,
  NeededPort,
  NeededService,
  NeededSetup,
  NeededTool,
} from '../../core/needs.ts';
import { readCommand, toPort } from '../../lib/command-line.ts';
import { printable, quoted } from '../../lib/printable.ts';
import { rangeOfJava, rangeOfPin } from './constraint.ts';
import { meaningOfPackage } from './debian-packages.ts';
import { expand, instructionsOf, variablesOf } from './dockerfile-text.ts';
import { neededOfImage } from './image-tools.ts';
import { isServicePort } from './known-services.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { readJsonc, shape, table, text } from './structured.ts';
import { distinctTools, likely, nameOfFile } from './text.ts';

const devcontainerJson = z.looseObject({
  image: text,
  build: shape({ args: table }),
  features: table,
  forwardPorts: z.array(z.unknown()).optional().catch(undefined),
  postCreateCommand: z.unknown().optional(),
});

/** Features by the last part of their names, and the tool that each is. */
const tools = new Map([
  ...['node', 'python', 'go', 'rust', 'ruby', 'php', 'java', 'dotnet', 'nix'].map(itself),
  ...['maven', 'gradle', 'composer', 'poetry', 'pnpm', 'bun', 'uv', 'elixir', 'just'].map(itself),
  ['ruby-asdf', 'ruby'] as const,
  ['maven-sdkman', 'maven'] as const,
  ['gradle-sdkman', 'gradle'] as const,
]);
const services = new Map([
  ['postgresql', 'postgresql'],
  ['postgres', 'postgresql'],
  ['redis-server', 'redis'],
  ['redis', 'redis'],
  ['mysql', 'mysql'],
  ['mariadb', 'mariadb'],
]);
const packages = new Map([
  ['postgres-client', 'postgresql-client'],
  ['ffmpeg-apt-get', 'ffmpeg'],
  ['sqlite', 'sqlite3'],
  ['jq-likes', 'jq'],
]);
/** What a guest has by itself, or what is about the container. */
const beside =
  /^(?:common-utils|git|git-lfs|github-cli|sshd|desktop-lite|docker-.+|zsh.*|oh-my-.+)$/;

function itself(name: string): readonly [string, string] {
  return [name, name];
}

interface Found {
  readonly tools: NeededTool[];
  readonly packages: NeededPackage[];
  readonly services: NeededService[];
  readonly ports: NeededPort[];
  readonly setup: NeededSetup[];
  readonly notes: string[];
}

/** Dev containers: the tools of their image and features, the ports they forward, and what they run when they are made. */
export const devcontainer: ProjectReader = {
  name: 'devcontainer',
  wants: (path) =>
    ['.devcontainer/devcontainer.json', '.devcontainer.json', '.devcontainer/Dockerfile'].includes(
      path,
    ),
  lastChoice: ['setup'],
  read(files) {
    const found: Found = { tools: [], packages: [], services: [], ports: [], setup: [], notes: [] };
    for (const file of files) {
      if (nameOfFile(file.path) === 'Dockerfile') readImages(file, found);
      else readContainer(file, found);
    }
    return { ...found, tools: distinctTools(found.tools), notes: [...new Set(found.notes)] };
  },
};

/** Only the images of it: what it installs is for an editor, more often than not. */
function readImages({ path, text: source }: ProjectFile, found: Found): void {
  const instructions = instructionsOf(source);
  const variables = variablesOf(instructions);
  for (const { name, rest } of instructions) {
    const words = name === 'FROM' ? expand(rest, variables).split(/\s+/, 5) : [];
    const image = words.find((word) => !word.startsWith('--')) ?? '';
    found.tools.push(...neededOfImage(image, likely(path, `its image is ${printable(image, 40)}`)));
  }
}

function readContainer({ path, text: source }: ProjectFile, found: Found): void {
  const content = readJsonc(source, devcontainerJson);
  if (content === undefined) {
    found.notes.push(`${path} is left out: it is not valid`);
    return;
  }
  const { image = '', features = {}, forwardPorts = [] } = content;
  found.tools.push(...neededOfImage(image, likely(path, `its image is ${printable(image, 40)}`)));
  for (const [feature, options] of Object.entries(features).slice(0, 50)) {
    readFeature(path, { feature, options }, found);
  }
  for (const item of forwardPorts.slice(0, 50)) {
    // `db:5432` is a port of another container.
    const port = toPort(item);
    if (port === undefined || isServicePort(port)) continue;
    found.ports.push({ port, finding: likely(path, `it forwards ${port}`) });
  }
  readPostCreate(path, content.postCreateCommand, found);
}

function readFeature(
  path: string,
  { feature, options }: { feature: string; options: unknown },
  found: Found,
): void {
  // `ghcr.io/devcontainers/features/node:1`, `./own-feature`.
  const name = nameOfFile(feature.slice(0, 200)).replace(/[:@].*$/, '');
  const finding = likely(path, `it has the feature ${printable(name, 30)}`);
  const given = optionsOf(options);
  const tool = tools.get(name);
  const service = services.get(name);
  const one = packages.get(name);
  if (tool !== undefined) {
    found.tools.push({ name: tool, range: versionOf(tool, given('version')), finding });
    if (tool === 'java' && given('installMaven') === 'true')
      found.tools.push({ name: 'maven', range: undefined, finding });
    if (tool === 'java' && given('installGradle') === 'true')
      found.tools.push({ name: 'gradle', range: undefined, finding });
  } else if (service !== undefined) {
    found.services.push({ name: service, range: undefined, databases: [], finding });
  } else if (one !== undefined) {
    found.packages.push({ name: one, finding });
  } else if (name === 'apt-packages' || name === 'apt-get-packages') {
    const words = (given('packages') ?? '').split(/[\s,]+/, 100);
    const meant = words.map(meaningOfPackage);
    const names = meant.flatMap((meaning) => (meaning.kind === 'packages' ? meaning.names : []));
    found.packages.push(...names.map((each) => ({ name: each, finding })));
  } else if (!beside.test(name)) {
    found.notes.push(`the feature ${quoted(name, 40)} of ${path} is left out: it is not known`);
  }
}

/** A feature's options are a table, or its version alone. */
function optionsOf(options: unknown): (name: string) => string | undefined {
  return (name) => {
    if (typeof options === 'string') return name === 'version' ? options : undefined;
    if (typeof options !== 'object' || options === null || !Object.hasOwn(options, name))
      return undefined;
    return String((options as Record<string, unknown>)[name]).slice(0, 1000);
  };
}

function versionOf(tool: string, written = ''): string | undefined {
  if (!/^\d/.test(written)) return undefined;
  return (
    (tool === 'java' ? rangeOfJava(written) : rangeOfPin(written)) ??
    validRange(written) ??
    undefined
  );
}

/** A command of plain words is done where nothing else makes the project's dependencies; all else is told. */
function readPostCreate(path: string, command: unknown, found: Found): void {
  if (typeof command !== 'string' || command.trim() === '') {
    if (command !== undefined && command !== '')
      found.notes.push(`postCreateCommand of ${path} is left out`);
    return;
  }
  const parts = command
    .slice(0, 500)
    .split('&&')
    .map((part) => part.trim());
  const isPlain = parts.every((part) => {
    const read = readCommand(part);
    return (
      read !== undefined &&
      Object.keys(read.env).length === 0 &&
      /^[\w ./-]+$/.test(part) &&
      !/^(?:sudo|su|apt|apt-get)\b/.test(part)
    );
  });
  if (isPlain && parts.length <= 2) {
    found.setup.push({
      command: parts.join(' && '),
      finding: likely(path, 'its postCreateCommand'),
    });
  } else {
    found.notes.push(`postCreateCommand of ${path} is left out: ${quoted(command.trim(), 100)}`);
  }
}
