import type { NeededRun, ProjectNeeds } from '../../core/needs.ts';
import type { ProjectTexts } from './reader.ts';
import { serverOf } from './servers.ts';

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Programs of a tool, which need nothing of an environment to be found. */
const ownWay = new Set([
  ...['npm', 'npx', 'pnpm', 'yarn', 'bun', 'node', 'uv', 'poetry', 'pipenv', 'pdm', 'hatch'],
  ...['bundle', 'php', 'composer', 'go', 'cargo', 'mix', 'java', 'mvn', 'gradle', 'dotnet'],
]);
/** Programs of Ruby that only Bundler finds in the right versions. */
const ofGems = new Set(['rails', 'rake', 'puma', 'sidekiq', 'rackup', 'unicorn', 'resque', 'thin']);
/** What is a shell's, or hands over to others that are looked for by name. */
const handsOver = new Set(['/bin/sh', 'sh', 'bash', 'make', 'just']);

/** Managers whose programs are found by a command of theirs, by what they do to install. */
const managers = new Map([
  ['poetry install', ['poetry', 'run']],
  ['pdm install', ['pdm', 'run']],
  ['pipenv install --dev', ['pipenv', 'run']],
  ['hatch env create', ['hatch', 'run']],
]);

/**
 * The commands of a project, so that they find what its dependencies have brought, and can be reached from outside of
 * the guest. Written for a platform that does both, they often say neither.
 */
export function finishRun(needs: ProjectNeeds, tree: ProjectTexts): NeededRun[] {
  const environment = environmentOf(needs, tree);
  return needs.run.map((unit) => {
    const found = withPrograms(withGo(unit, tree), {
      ...environment,
      hasGemfile: tree.has('Gemfile'),
    });
    const server = serverOf(unit.command.join(' '));
    if (server === undefined) return found;
    return {
      ...found,
      port: found.port ?? server.port,
      env: { ...server.env, ...found.env },
    };
  });
}

/** What a platform's build of a Go program leaves is not there: the program itself is run. */
function withGo(unit: NeededRun, tree: ProjectTexts): NeededRun {
  const [program = '', ...args] = unit.command;
  const isOther =
    ownWay.has(program) || handsOver.has(program) || tree.has(program.replace(/^\.\//, ''));
  if (isOther || !tree.has('go.mod') || !tree.has('main.go')) return unit;
  return { ...unit, command: ['go', 'run', '.', ...args] };
}

interface Environment {
  /** Directories with the programs of dependencies. */
  readonly paths: readonly string[];
  /** What goes before a program, for managers that hide them. */
  readonly prefix: readonly string[];
}

function environmentOf({ ecosystems, setup }: ProjectNeeds, tree: ProjectTexts): Environment {
  const commands = setup.map(({ command }) => command);
  const made = commands.some((command) => command === 'uv sync' || command.includes('.venv/bin/'));
  const there = ['.venv', 'venv'].find((directory) => tree.has(directory));
  const python = there ?? (made ? '.venv' : undefined);
  const isPython = ecosystems.includes('Python');
  return {
    paths: [
      ...(isPython && python ? [`${python}/bin`] : []),
      ...(tree.has('package.json') ? ['node_modules/.bin'] : []),
    ],
    prefix:
      isPython && !python ? (commands.map((one) => managers.get(one)).find(Boolean) ?? []) : [],
  };
}

function withPrograms(
  unit: NeededRun,
  { paths, prefix, hasGemfile }: Environment & { hasGemfile: boolean },
): NeededRun {
  const [program = ''] = unit.command;
  if (hasGemfile && ofGems.has(program))
    return { ...unit, command: ['bundle', 'exec', ...unit.command] };
  const isPlace = program.includes('/') && !handsOver.has(program);
  if (ownWay.has(program) || isPlace) return unit;
  if (prefix.length > 0) return { ...unit, command: [...prefix, ...unit.command] };
  if (paths.length === 0) return unit;
  return { ...unit, env: { PATH: [...paths, usualPath].join(':'), ...unit.env } };
}
