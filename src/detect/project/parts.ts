import type { NeededRun, NeededSetup, ProjectNeeds } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { isOfUnserved } from './python-web.ts';
import { isAside } from './text.ts';

/** Files that make a directory a program of its own. */
export const partManifests = new Set([
  ...['package.json', 'pyproject.toml', 'requirements.txt', 'Pipfile', 'manage.py', 'go.mod'],
  ...[
    'Cargo.toml',
    'pom.xml',
    'build.gradle',
    'build.gradle.kts',
    'composer.json',
    'Gemfile',
    'mix.exs',
  ],
]);

const mostParts = 6;
const nodeManagers = ['npm', 'pnpm', 'yarn', 'bun'];
const beside =
  /^(?:.*[-_])?(?:tests?|e2e|scripts?|tools?|packages|libs?|infra|deploy|docker|cli|sdk|bench)$/i;
/** What a command line can name as it is, and what can be a unit's name. */
const plainName = /^[A-Za-z\d][\w.-]{0,40}$/;

/** The directories right below the top that are programs of their own, as `frontend` and `backend` are. */
export function partsOf(paths: readonly string[]): string[] {
  const parts = new Set<string>();
  for (const path of paths) {
    const [directory = '', name = '', deeper] = path.split('/', 3);
    if (deeper !== undefined || !partManifests.has(name) || !plainName.test(directory)) continue;
    if (!isAside(`${directory}/`) && !beside.test(directory)) parts.add(directory);
  }
  return [...parts].slice(0, mostParts);
}

/** A path as seen from within a part; `undefined` of what is not in it. */
export function withinPart(path: string, part: string): string | undefined {
  return path.startsWith(`${part}/`) ? path.slice(part.length + 1) : undefined;
}

/** The needs of a project, with what is run in its parts, and what that takes. */
export function joinParts(
  whole: ProjectNeeds,
  parts: readonly { readonly part: string; readonly needs: ProjectNeeds }[],
): ProjectNeeds {
  const running = parts.filter(({ needs }) => needs.run.length > 0);
  const kinds = new Set(whole.setup.map(kindOf));
  const manager = whole.setup.find((one) => kindOf(one) === 'node')?.command.split(' ')[0];
  const joined = running.map(({ part, needs }) => {
    const from = (finding: Finding) => ({ ...finding, source: `${part}/${finding.source}` });
    // Workspaces install all of their parts at once.
    const setup = needs.setup.filter((one) => kindOf(one) === 'other' || !kinds.has(kindOf(one)));
    const isAbove = kinds.has('python') && setup.every((one) => kindOf(one) !== 'python');
    return {
      tools: needs.tools
        .filter(({ name }) => manager === undefined || !nodeManagers.includes(name))
        .map((tool) => ({ ...tool, finding: from(tool.finding) })),
      setup: setup.map(({ command, finding }) => ({
        command: `cd ${part} && ${command}`,
        finding: from(finding),
      })),
      run: needs.run.map((unit) => ({
        ...withManager(isAbove ? withEnvironmentAbove(unit) : unit, manager),
        name: nameOf(part, unit),
        directory: part,
        finding: from(unit.finding),
      })),
    };
  });
  return {
    ...whole,
    tools: [...whole.tools, ...joined.flatMap(({ tools }) => tools)].toSorted(
      (one, other) => Number(!one.range) - Number(!other.range),
    ),
    setup: [...whole.setup, ...joined.flatMap(({ setup }) => setup)],
    run: joined.flatMap(({ run }) => run),
    notes: joined.length > 0 ? whole.notes.filter((note) => !isOfUnserved(note)) : whole.notes,
  };
}

/** What a command line installs for. */
function kindOf({ command }: NeededSetup): 'node' | 'python' | 'other' {
  if (/^(?:npm|pnpm|yarn|bun) (?:ci|install)\b/.test(command)) return 'node';
  if (/^(?:uv|poetry|pdm|pipenv|hatch|python3) /.test(command)) return 'python';
  return 'other';
}

function nameOf(part: string, unit: NeededRun): string {
  const name = part.toLowerCase().replace(/[^a-z\d-]+/g, '-');
  return unit.name === 'web' ? name : `${name}-${unit.name}`;
}

/** What installs for the whole project runs the scripts of its parts. */
function withManager(unit: NeededRun, manager: string | undefined): NeededRun {
  const [program = '', word = '', ...args] = unit.command;
  if (manager === undefined || program === manager || !nodeManagers.includes(program)) return unit;
  const name = word === 'run' ? args : [word, ...args];
  const [script = '', ...rest] = name.filter((one) => one !== '--');
  const between = manager === 'npm' && rest.length > 0 ? ['--'] : [];
  return { ...unit, command: [manager, 'run', script, ...between, ...rest] };
}

/** The environment of Python is made at the top of the project. */
function withEnvironmentAbove(unit: NeededRun): NeededRun {
  const [program = '', ...args] = unit.command;
  const { PATH = '' } = unit.env;
  return {
    ...unit,
    command: [program.replace(/^\.venv\//, '../.venv/'), ...args],
    env: PATH === '' ? unit.env : { ...unit.env, PATH: PATH.replace(/^\.venv\//, '../.venv/') },
  };
}
