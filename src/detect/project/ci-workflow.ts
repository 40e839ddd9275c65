import { rangeOfJava, rangeOfPin } from './constraint.ts';
import type { ImageTool } from './image-tools.ts';

/** Actions that set a tool up, without their owners' and versions' parts, and the input that names the version. */
const actions = new Map<string, readonly (readonly [tool: string, input: string])[]>([
  ['actions/setup-node', [['node', 'node-version']]],
  ['actions/setup-python', [['python', 'python-version']]],
  ['actions/setup-go', [['go', 'go-version']]],
  ['actions/setup-java', [['java', 'java-version']]],
  ['actions/setup-dotnet', [['dotnet', 'dotnet-version']]],
  ['actions/setup-ruby', [['ruby', 'ruby-version']]],
  ['ruby/setup-ruby', [['ruby', 'ruby-version']]],
  ['shivammathur/setup-php', [['php', 'php-version']]],
  [
    'erlef/setup-beam',
    [
      ['elixir', 'elixir-version'],
      ['erlang', 'otp-version'],
    ],
  ],
  ['oven-sh/setup-bun', [['bun', 'bun-version']]],
  ['astral-sh/setup-uv', [['uv', 'version']]],
  ['dtolnay/rust-toolchain', [['rust', 'toolchain']]],
  ['actions-rs/toolchain', [['rust', 'toolchain']]],
]);

const mostSteps = 100;
const mostVersions = 12;

type Table = Readonly<Record<string, unknown>>;

/** The tools that a job of a GitHub workflow sets up; a matrix of versions is any of them. */
export function versionsOfWorkflow(job: Table, env: Table): ImageTool[] {
  const steps = Array.isArray(job.steps) ? job.steps.slice(0, mostSteps) : [];
  return steps.flatMap((step: unknown): ImageTool[] => {
    const { uses, with: inputs } = asTable(step);
    if (typeof uses !== 'string') return [];
    const [action = ''] = uses.slice(0, 200).split('@');
    return (actions.get(action) ?? []).map(([name, input]) => {
      const written = valuesOf(asTable(inputs)[input], { job, env });
      return { name, range: rangeOfAll(name, written) };
    });
  });
}

/** Every version that an input may have: what it says, or what its matrix or its variable says. */
function valuesOf(value: unknown, places: { job: Table; env: Table }): string[] {
  if (Array.isArray(value)) return value.slice(0, mostVersions).flatMap((one) => plain(one));
  const [, place, key = ''] =
    /^\s{0,5}\$\{\{\s{0,5}(matrix|env)\.([\w-]{1,60})\s{0,5}\}\}\s{0,5}$/.exec(
      String(value).slice(0, 200),
    ) ?? [];
  if (place === 'env') {
    const own = asTable(places.job.env);
    return plain(Object.hasOwn(own, key) ? own[key] : places.env[key]);
  }
  if (place === 'matrix') {
    const matrix = asTable(asTable(places.job.strategy).matrix);
    const listed = Array.isArray(matrix[key]) ? matrix[key] : [];
    const included = Array.isArray(matrix.include)
      ? matrix.include.map((one) => asTable(one)[key])
      : [];
    return [...listed, ...included].slice(0, mostVersions).flatMap(plain);
  }
  return plain(value);
}

function plain(value: unknown): string[] {
  if (typeof value !== 'string' && typeof value !== 'number') return [];
  return String(value)
    .slice(0, 200)
    .split(/\s*\n\s*/, mostVersions);
}

function rangeOfAll(name: string, versions: readonly string[]): string | undefined {
  const ranges = versions.map((one) => (name === 'java' ? rangeOfJava(one) : rangeOfPin(one)));
  const known = [...new Set(ranges.filter((range) => range !== undefined))];
  return known.length === 0 ? undefined : known.join(' || ');
}

function asTable(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Table)
    : {};
}
