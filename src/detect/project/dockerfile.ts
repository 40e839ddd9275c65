import type { NeededPackage, NeededPort, NeededRun, NeededTool } from '../../core/needs.ts';
import { portOf, readCommand, toPort } from '../../lib/command-line.ts';
import { printable } from '../../lib/printable.ts';
import { meaningOfPackage } from './debian-packages.ts';
import type { Instruction } from './dockerfile-text.ts';
import { execForm, expand, instructionsOf, variablesOf, wordsAfter } from './dockerfile-text.ts';
import { neededOfImage } from './image-tools.ts';
import { extensionPackages } from './php-extensions.ts';
import type { ProjectFile, ProjectReader, ProjectTexts } from './reader.ts';
import { startable } from './startable.ts';
import { distinctTools, isAside, isAtTop, likely, nameOfFile } from './text.ts';

const fileName =
  /^(?:Dockerfile|Containerfile)(?:[.-][\w.-]{1,40})?$|^[\w-]{1,40}\.(?:[Dd]ockerfile|containerfile)$/;
const other =
  /[.-](?:prod|production|release|ci|test|e2e|playwright|cypress|lint|bench|arm\w*|alpine|windows|docs)(?:[.-]|$)/i;

interface Read {
  readonly tools: readonly NeededTool[];
  readonly packages: readonly NeededPackage[];
  readonly ports: readonly NeededPort[];
  readonly run: readonly NeededRun[];
  readonly unknown: readonly string[];
}

/**
 * Dockerfile and Containerfile: the tools of the images they are made from, the packages they install that Debian has,
 * the ports they expose, and at the top, as the last choice, what the image runs.
 */
export const dockerfile: ProjectReader = {
  name: 'dockerfile',
  wants: (path) =>
    fileName.test(nameOfFile(path)) && !isAside(path) && !path.startsWith('.devcontainer/'),
  lastChoice: ['run'],
  read(files, tree) {
    const plain = files.filter(({ path }) => !other.test(nameOfFile(path)));
    // Those of other occasions only count where there is none for every day.
    const own = plain.length > 0 ? plain : files.slice(0, 1);
    const parts = own.map((file) => readDockerfile(file, tree));
    const unknown = [...new Set(parts.flatMap((part) => part.unknown))];
    const some = unknown.slice(0, 12).map((name) => printable(name, 40));
    const more = unknown.length > some.length ? ` and ${unknown.length - some.length} more` : '';
    return {
      tools: distinctTools(parts.flatMap((part) => part.tools)),
      packages: parts.flatMap((part) => part.packages),
      ports: parts.flatMap((part) => part.ports),
      run: parts.flatMap((part) => part.run).slice(0, 1),
      notes:
        some.length > 0
          ? [
              `installed by ${printable(own[0]?.path ?? '')}, not known here: ${some.join(', ')}${more}`.slice(
                0,
                390,
              ),
            ]
          : [],
    };
  },
};

function readDockerfile({ path, text }: ProjectFile, tree: ProjectTexts): Read {
  const instructions = instructionsOf(text);
  const variables = variablesOf(instructions);
  const images = imagesOf(instructions, variables);
  const last = instructions.findLastIndex(({ name }) => name === 'FROM');
  const stage = instructions.slice(Math.max(0, last));
  const runs = instructions
    .filter(({ name }) => name === 'RUN')
    .map(({ rest }) => expand(rest, variables));
  const installed = installedBy(path, runs);
  const isProxy = /(?:^|\/)(?:nginx|httpd|caddy)(?::|$)/.test(images.at(-1) ?? '');
  return {
    tools: [
      ...images.flatMap((image) =>
        neededOfImage(image, likely(path, `its image is ${printable(image, 40)}`)),
      ),
      ...installed.tools,
    ],
    packages: installed.packages,
    // What a proxy in front of built files listens on is not the port of the project's own program.
    ports: isProxy ? [] : exposedBy(path, stage, variables),
    run: isAtTop(path) && !isProxy ? commandOf(path, stage, tree) : [],
    unknown: installed.unknown,
  };
}

/** The images of every stage, without those that are stages themselves. */
function imagesOf(
  instructions: readonly Instruction[],
  variables: ReadonlyMap<string, string>,
): string[] {
  const stages = new Set<string>();
  return instructions.flatMap(({ name, rest }) => {
    if (name !== 'FROM') return [];
    const [image = '', as = '', stage = ''] = expand(rest, variables)
      .split(/\s+/, 10)
      .filter((word) => word !== '' && !word.startsWith('--'));
    const isStage = stages.has(image.toLowerCase());
    if (as.toUpperCase() === 'AS') stages.add(stage.toLowerCase());
    return isStage || image === '' || image === 'scratch' ? [] : [image];
  });
}

function installedBy(path: string, runs: readonly string[]) {
  const finding = likely(path, 'its image has it');
  const tools: NeededTool[] = [];
  const packages: NeededPackage[] = [];
  const unknown: string[] = [];
  for (const rest of runs) {
    const words = wordsAfter(
      rest,
      /(?:^|\s)(?:apt-get|apt|aptitude)(?:\s+-\S+)*\s+(?:-\S+\s+)*install(?=\s)/,
    );
    for (const word of [...words, ...wordsAfter(rest, /(?:^|\s)apk(?:\s+-\S+)*\s+add(?=\s)/)]) {
      const [name = ''] = word.split(/[=/~<>:]/, 1);
      const meaning = meaningOfPackage(name);
      if (meaning.kind === 'packages')
        packages.push(...meaning.names.map((one) => ({ name: one, finding })));
      if (meaning.kind === 'tool') tools.push({ name: meaning.name, range: undefined, finding });
      if (
        meaning.kind === 'unknown' &&
        words.includes(word) &&
        /^[a-z\d][a-z\d.+-]{1,40}$/.test(name)
      )
        unknown.push(name);
    }
    const extensions = [
      ...wordsAfter(rest, /(?:^|\s)(?:docker-php-ext-install|install-php-extensions)(?=\s)/),
      ...wordsAfter(rest, /(?:^|\s)pecl\s+install(?=\s)/),
    ].map((word) => ({ name: `ext-${word.replace(/-\d.*$/, '')}`, path }));
    packages.push(...extensionPackages(extensions).packages);
  }
  return { tools, packages, unknown };
}

function exposedBy(
  path: string,
  stage: readonly Instruction[],
  variables: ReadonlyMap<string, string>,
): NeededPort[] {
  return stage.flatMap(({ name, rest }) => {
    if (name !== 'EXPOSE') return [];
    return expand(rest, variables)
      .split(/\s+/, 20)
      .flatMap((word): NeededPort[] => {
        const [number = '', protocol = 'tcp'] = word.split('/', 2);
        const port = toPort(number);
        if (port === undefined || protocol.toLowerCase() !== 'tcp') return [];
        return [{ port, finding: likely(path, `it exposes ${port}`) }];
      });
  });
}

/** What the image runs, if a guest with the project in it can: no file that only the image has. */
function commandOf(path: string, stage: readonly Instruction[], tree: ProjectTexts): NeededRun[] {
  const wordsOf = (wanted: string) => {
    const written = stage.findLast(({ name }) => name === wanted)?.rest;
    return written === undefined ? [] : execForm(written);
  };
  const [entry, command] = [wordsOf('ENTRYPOINT'), wordsOf('CMD')];
  if (entry === undefined || command === undefined) return [];
  const words = startable([...entry, ...command], tree);
  const read = words && readCommand(words.join(' '));
  // A word with a space in it, or a variable, is for a shell.
  if (read === undefined || read.command.length !== words?.length) return [];
  const finding = likely(path, 'what its image runs');
  return [{ name: 'web', ...read, port: portOf(words?.join(' ') ?? ''), finding }];
}
